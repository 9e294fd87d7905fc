"""The digests by which the Hub knows a file: sha256 of a large one, git's of any other."""

import hashlib
from pathlib import Path


def sha256_of_file(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob(data: bytes) -> str:
    """The name that git gives to a file of these bytes."""
    head = b"blob %d\0" % len(data)
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()
