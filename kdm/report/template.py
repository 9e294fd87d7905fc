"""Pages from templates: every field escaped, a missing one an error, pictures inside the page.

A page's policy (CSP) allows no network and no script but the one whose digest it states.
"""

import base64
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kdm.report.tables import counted, number


def render(template: str, fields: Mapping[str, Any]) -> str:
    """The page that a template of this package makes of these fields.

    A field that the template names and nobody gave is an error (`StrictUndefined`), never an empty place.
    """
    environment = Environment(
        loader=PackageLoader("kdm.report", ""),
        autoescape=True,  # names and settings come from users, so nothing is trusted as HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        data_uri=data_uri,
        number=number,
        counted=counted,
        flat=flat,
        local=local,
        moment=moment,
        unbroken=unbroken,
    )
    # The only script of a page, and its policy lets no other one run.
    script = files("kdm.report").joinpath("tables.js").read_text(encoding="utf-8")
    digest = "sha256-" + base64.b64encode(sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(
        script=Markup(script), script_digest=digest, **fields
    )


def moment(when: str) -> str:
    """'2025-01-02 03:04 UTC' of an ISO 8601 time in UTC; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?(?:\+00:00|Z)", when)
    return f"{found[1]} {found[2]} UTC" if found else when


def unbroken(note: str) -> str:
    """'± 0.18' on one line, and an interval broken after its dots if at all."""
    return note.replace("± ", "±\u00a0").replace(" …", "\u00a0…")


def data_uri(png: bytes) -> str:
    """A PNG as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def local(address: str) -> str:
    """An address relative to the page, quoted, so that it can't name a scheme or another host.

    'javascript:…' and '//host/…' become names of files that aren't there.
    """
    return "./" + quote(address.lstrip("/"))


def flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as ('training.batch_size', '1024'), sorted, values as JSON.

    The names are those that `--set` takes, so a reader can repeat a setting from the page.
    """
    lines: list[tuple[str, str]] = []
    for key in sorted(settings):
        value, name = settings[key], f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            lines += flat(value, f"{name}.")
        else:
            lines.append((name, json.dumps(value, ensure_ascii=False, default=str)))
    return lines
