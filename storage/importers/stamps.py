"""Whether a file was written to since it was read."""

from pathlib import Path
from typing import NamedTuple

from storage.folders.local_errors import told


class Stamp(NamedTuple):
    """What changes when a file is written to."""

    num_bytes: int
    modified_at: int


def stamp_of(path: Path) -> Stamp:
    """A file's size and time of change."""
    with told("looked at", path):
        found = path.stat()
    return Stamp(found.st_size, found.st_mtime_ns)
