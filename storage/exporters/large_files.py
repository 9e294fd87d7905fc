"""Files that may be larger than memory: made under no name beside their place, then put there whole."""

import errno
import io
import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from storage.errors import StoreError
from storage.folders import Folder

_CHUNK = 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def spool(folder: Folder) -> Iterator[BinaryIO]:
    """An empty file without a name on the folder's own disk: it is gone when its writer is."""
    place = folder.local_path() if folder.is_local else None
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            yield file
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StoreError(
            f"the disk of {folder.url if place else tempfile.gettempdir()} is full, and nothing was "
            "left half-written: free some space and run the same command again"
        ) from error


def put_spooled(folder: Folder, name: str, file: BinaryIO, *, may_replace: bool = True) -> bool:
    """Make `name` have a spooled file's bytes; one that has them is left alone.

    False if it has other bytes that may not be replaced.
    """
    file.flush()
    with (
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as whole,
    ):
        is_there = folder.exists(name)
        if is_there and _holds(folder, name, whole):
            return True
        if is_there and not may_replace:
            return False
        folder.replace(name, [whole])
    return True


def npy_head(dtype: Any, shape: tuple[int, ...]) -> bytes:
    """What numpy.save writes before the numbers of an array."""
    described = np.lib.format.dtype_to_descr(np.dtype(dtype))
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": described, "fortran_order": False, "shape": shape}
    )
    return head.getvalue()


def _holds(folder: Folder, name: str, whole: memoryview) -> bool:
    if folder.size(name) != whole.nbytes:
        return False
    if not folder.is_local:
        return folder.read(name) == whole
    with folder.local_path(name).open("rb") as there:
        return all(
            there.read(_CHUNK) == whole[first : first + _CHUNK]
            for first in range(0, whole.nbytes, _CHUNK)
        )
