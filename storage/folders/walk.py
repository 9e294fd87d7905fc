"""All folders and files below a folder on a disk; one that cannot be listed is an error, never empty."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from storage.folders.file_names import is_hidden
from storage.folders.local_errors import told


def walked(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder here and below with its files; StoreError if one cannot be listed."""
    return ((folder, names) for folder, _, names in _walk(root))


def folders_below(root: Path) -> Iterator[str]:
    """The names from here of all folders, and of links to folders; StoreError as in `walked`."""
    for folder, below, _ in _walk(root):
        yield from (os.path.relpath(os.path.join(folder, name), root) for name in below)


def _walk(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for folder, below, names in os.walk(root, onerror=not_listed):
        # None of our files are in them, and some can be listed by their owner only.
        below[:] = [name for name in below if not is_hidden(name)]
        yield folder, below, names


def not_listed(error: OSError) -> None:
    """For os.walk: a StoreError for a folder that cannot be listed; one that is gone is empty."""
    with contextlib.suppress(FileNotFoundError), told("listed", Path(error.filename)):
        raise error
