"""Pages from templates: every field escaped, a missing one an error, pictures inside the page."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from kdm.report.tables import counted, number


def render(template: str, fields: Mapping[str, Any]) -> str:
    """The page that a template of this package makes of these fields."""
    environment = Environment(
        loader=PackageLoader("kdm.report", ""),
        autoescape=True,  # names and settings come from users, so nothing is trusted as HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        data_uri=data_uri, number=number, counted=counted, flat=flat, local=local
    )
    return environment.get_template(template).render(**fields)


def data_uri(png: bytes) -> str:
    """A PNG as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def local(address: str) -> str:
    """An address relative to the page, quoted, so that none can name a scheme or another host."""
    return "./" + quote(address.lstrip("/"))


def flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as ('training.batch_size', '1024'), sorted, values as JSON."""
    lines: list[tuple[str, str]] = []
    for key in sorted(settings):
        value, name = settings[key], f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            lines += flat(value, f"{name}.")
        else:
            lines.append((name, json.dumps(value, ensure_ascii=False, default=str)))
    return lines
