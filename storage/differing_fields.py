"""The fields in which two descriptions differ, by their dotted names."""

from collections.abc import Mapping
from typing import Any


def differing_fields(left: Any, right: Any, path: str = "") -> list[str]:
    """Dotted paths at which two JSON values differ."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        keys = sorted({*left, *right})
        below = (
            differing_fields(left.get(key), right.get(key), f"{path}.{key}".lstrip("."))
            for key in keys
        )
        return [name for names in below for name in names]
    return [] if left == right else [path]
