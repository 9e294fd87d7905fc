"""How things of one kind differ: only the settings that aren't the same for all of them."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from storage.digest import short

_NUM_SHOWN = 4
_DIGEST = re.compile(r"[0-9a-f]{64}")
Settings = Mapping[str, Any]  # of one thing, nested as in its documents


def differences(alike: Mapping[str, Settings]) -> dict[str, str]:
    """'seed=1, width=64' for each thing by name; empty if it doesn't differ."""
    flat = {name: dict(_leaves(settings)) for name, settings in alike.items()}
    differing = [
        key
        for key in dict.fromkeys(key for each in flat.values() for key in each)
        if len({json.dumps(each.get(key)) for each in flat.values()}) > 1
    ]
    labels = {key: _label(key, differing) for key in differing}
    return {name: _words(each, labels) for name, each in flat.items()}


def _leaves(settings: Settings, above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _label(key: str, others: list[str]) -> str:
    """The shortest unique end of a dotted name."""
    parts = key.split(".")
    for first in range(len(parts) - 1, 0, -1):
        end = ".".join(parts[first:])
        if sum(each == end or each.endswith(f".{end}") for each in others) == 1:
            return end
    return key


def _words(flat: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    said = [f"{label}={_word(flat[key])}" for key, label in labels.items() if key in flat]
    return ", ".join(said[:_NUM_SHOWN] + (["…"] if len(said) > _NUM_SHOWN else []))


def _word(value: Any) -> str:
    if isinstance(value, str):
        return short(value) if _DIGEST.fullmatch(value) else value
    return json.dumps(value, separators=(",", ":"))
