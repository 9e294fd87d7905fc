"""Overrides of a recipe, as `--set` takes them: one value of its document, at a place written a.b=value."""

from collections.abc import Mapping
from typing import Any

from storage.did_you_mean import nearest
from storage.whole_numbers import whole_number
from storage.yaml_text import read_yaml


def apply_override(document: dict[str, Any], override: str) -> None:
    """Change one value in place; a ValueError if the recipe has no such place."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise ValueError(f"--set {override}: write it as --set a.b=value")
    value = read_yaml(text, f"--set {path}: the value")
    *parents, last = path.split(".")
    place: Any = document
    for key in parents:
        place = _step(place, key, path)
    if isinstance(place, list):
        place[_position(place, last, path)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise ValueError(f"--set {path}: '{last}' is below a plain value")


def _step(place: Any, key: str, path: str) -> Any:
    if isinstance(place, list):
        return place[_position(place, key, path)]
    if not isinstance(place, dict):
        raise ValueError(f"--set {path}: '{key}' is below a plain value")
    below = place.setdefault(key, {})
    if below is None:
        below = place[key] = {}
    return below


def _position(place: list[Any], key: str, path: str) -> int:
    number = whole_number(key)
    if number is not None and number < len(place):
        return number
    names = [str(_item_name(item)) for item in place]
    if key in names:
        return names.index(key)
    raise ValueError(f"--set {path}: no item '{key}'; {nearest(key, names)}")


def _item_name(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    inner = item.get("filter")
    return item.get("name") or (inner.get("plugin") if isinstance(inner, Mapping) else inner)
