"""Files and folders that somebody else made, read where they lie.

Whatever the system reports (no permission, a disk that fails) becomes one sentence with the path and
what to do about it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from storage.folders.file_names import is_hidden
from storage.folders.local_errors import told


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """A file, open for reading; a `StoreError` that names it where it cannot be read to its end."""
    with told("read", path), path.open("rb") as file:
        yield file


def is_file(path: Path) -> bool:
    """Whether a file is there; a `StoreError` if its folder doesn't let anybody look."""
    with told("looked at", path):
        return path.is_file()


def entries_of(folder: Path, remedy: str) -> list["os.DirEntry[str]"]:
    """What lies in a folder, in no order, without hidden names.

    Raises a ValueError with the remedy where it isn't a folder, a `StoreError` if it cannot be listed.
    """
    with told("looked at", folder):
        is_folder = folder.is_dir()
    if not is_folder:
        raise ValueError(f"{folder} is not a folder; {remedy}")
    with told("listed", folder), os.scandir(folder) as entries:
        return [entry for entry in entries if not is_hidden(entry.name)]
