"""Plain settings from a pickle: what JSON can hold, and nothing else.

Settings go into a teacher's config and card, so they are kept small: lists of at most 64 items, and two
levels of them.
"""

from typing import Any

_MAX_DEPTH, _MAX_ITEMS = 2, 64


def plain(value: Any, what: str, depth: int = 0) -> Any:
    """The value itself, tuples as lists; a ValueError, beginning with `what`, if it isn't plain."""
    if is_scalar(value):
        return value
    if type(value) in (list, tuple) and len(value) <= _MAX_ITEMS and depth < _MAX_DEPTH:
        return [plain(item, what, depth + 1) for item in value]
    raise ValueError(f"{what} is not a number, text, or a short list of them")


def is_scalar(value: Any) -> bool:
    """Whether it is a number, text, bool or None. Long texts aren't `str`: they were left in their file."""
    return value is None or type(value) in (bool, int, float, str)


def scalars(values: Any) -> dict[str, Any]:
    """The plain ones among an object's public attributes, without an error for the others."""
    items = values.items() if type(values) is dict else ()
    return {
        key: value
        for key, value in items
        if type(key) is str and not key.startswith("_") and is_scalar(value)
    }
