"""The sha256 of a published source, as `sha256sum` prints it, so that anybody can compare it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from storage.folders.foreign_files import opened


def file_digest(path: Path) -> str:
    """The sha256 of one file, 64 hexadecimal digits."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_files(folder: Path, names: Iterable[str]) -> str:
    """What `sha256sum NAMES | sha256sum` prints in the folder, with the names in this order."""
    lines = hashlib.sha256()
    for name in names:
        lines.update(f"{file_digest(folder / name)}  {name}\n".encode())
    return lines.hexdigest()
