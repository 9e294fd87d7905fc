"""A file on this machine that the user names: what stands in its place is told as it is."""

from pathlib import Path

from storage.folders.local_paths import local_file


def input_file(place: str, what: str, remedy: str) -> Path:
    """The absolute path of `what`; a ValueError with the remedy if no regular file is there."""
    path = local_file(place, what)
    if path.is_file():
        return path
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a file; {remedy}")
    if path.exists():  # a pipe, as in <(zcat x.gz), or a device: it can be read only once
        raise ValueError(f"{path} is not a regular file; write it to a disk first, then {remedy}")
    raise ValueError(f"{path}: no such file; {remedy}")
