"""A set's folder: the splits and layouts below it."""

import re

from storage.folders import Folder
from storage.formats.layout import require_layout

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def places(folder: Folder) -> list[tuple[str, str]]:
    """Split and layout of everything that was ever begun in a set.

    Other folders are skipped, and so are empty ones: nothing in them was promised.
    """
    return [
        (split, layout)
        for split in filter(_NAME.fullmatch, folder.names())
        for layout in filter(_is_layout, (folder / split).names())
        if (folder / split / layout).names()
    ]


def splits_of(folder: Folder) -> list[str]:
    """`SPLIT/LAYOUT` of everything in a set that has records."""
    return [
        f"{split}/{layout}"
        for split, layout in places(folder)
        if (folder / split / layout).exists("records")
    ]


def require_split(split: str) -> None:
    """Raise a ValueError if a split's name could be anything but a folder's."""
    if not _NAME.fullmatch(split):
        raise ValueError(
            f"split is {split!r}; it must be letters, digits, '-' and '_', as in 'train'"
        )


def _is_layout(name: str) -> bool:
    try:
        require_layout(name)
    except ValueError:
        return False
    return True
