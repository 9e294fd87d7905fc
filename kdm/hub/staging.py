"""The hidden folder beside its place, `.pull-NAME-DIGEST`, in which a pull works until all of it is there.

A process that works there holds a lock on it, which goes with the process.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import StoreError

_PREFIX = ".pull-"


def staging_of(target: Path) -> Path:
    """Where a pull to this place works."""
    return target.with_name(f"{_PREFIX}{target.name}")


@contextmanager
def alone_in(staging: Path) -> Iterator[None]:
    """One pull at a time works in a folder; a StoreError if another one does."""
    staging.mkdir(parents=True, exist_ok=True)
    handle = os.open(staging, os.O_RDONLY)
    try:
        if not _locked(handle):
            raise StoreError(f"another pull works in {staging}; wait for it")
        yield
    finally:
        os.close(handle)


def stopped_pulls(folder: Path) -> list[Path]:
    """What stopped pulls to places in this folder have left, sorted; not those that are at work."""
    found = sorted(each for each in folder.glob(f"{_PREFIX}*") if each.is_dir())
    return [each for each in found if not _is_at_work(each)]


def give_up(staging: Path) -> None:
    """Remove what a stopped pull has left; a StoreError if one goes on with it meanwhile."""
    with alone_in(staging):
        shutil.rmtree(staging)


def _is_at_work(staging: Path) -> bool:
    handle = os.open(staging, os.O_RDONLY)
    try:
        return not _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
