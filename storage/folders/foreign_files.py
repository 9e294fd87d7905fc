"""Files and folders that somebody else made, read in place.

An error of the system (no permission, a failing disk) becomes one sentence with the path and
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
    """A file, open for reading; a `StoreError` that names it if it can't be read to its end."""
    with told("read", path), path.open("rb") as file:
        yield file


def is_file(path: Path) -> bool:
    """Whether a file is there; a `StoreError` if its folder can't be searched."""
    with told("looked at", path):
        return path.is_file()


def entries_of(folder: Path, remedy: str) -> list["os.DirEntry[str]"]:
    """What is in a folder, unordered, without hidden names.

    Raises a ValueError with the remedy if it isn't a folder, a `StoreError` if it can't be listed.
    """
    with told("looked at", folder):
        is_folder = folder.is_dir()
    if not is_folder:
        raise ValueError(f"{folder} is not a folder; {remedy}")
    with told("listed", folder), os.scandir(folder) as entries:
        return [entry for entry in entries if not is_hidden(entry.name)]
