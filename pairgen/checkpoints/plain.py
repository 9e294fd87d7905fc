"""Plain settings out of a pickle: what JSON can hold, and nothing else."""

from typing import Any

_MAX_DEPTH, _MAX_ITEMS = 2, 64


def plain(value: Any, what: str, depth: int = 0) -> Any:
    """Numbers, text and short lists of them, tuples as lists; a ValueError for anything else."""
    if is_scalar(value):
        return value
    if type(value) in (list, tuple) and len(value) <= _MAX_ITEMS and depth < _MAX_DEPTH:
        return [plain(item, what, depth + 1) for item in value]
    raise ValueError(f"{what} is neither a number nor text nor a short list of them")


def is_scalar(value: Any) -> bool:
    """Whether it is a number, a text, a bool or nothing; long texts were left in their file."""
    return value is None or type(value) in (bool, int, float, str)


def scalars(values: Any) -> dict[str, Any]:
    """The plain ones of an object's public attributes."""
    items = values.items() if type(values) is dict else ()
    return {
        key: value
        for key, value in items
        if type(key) is str and not key.startswith("_") and is_scalar(value)
    }
