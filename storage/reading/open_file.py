"""A file from which any number of threads read rows, at any place."""

import mmap
import os
import stat
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.digest import sha256_of
from storage.errors import DamageError, StoreError
from storage.formats.column import Buffer


class OpenFile:
    """A regular file, open for reading; it closes with its last reference."""

    def __init__(self, path: Path) -> None:
        self.descriptor = _opened(path)
        weakref.finalize(self, os.close, self.descriptor)
        self._path = path
        status = os.fstat(self.descriptor)
        self.num_bytes = status.st_size
        if not stat.S_ISREG(status.st_mode):
            raise DamageError(f"{path} is not a regular file; remove it")

    def sha256(self) -> str:
        """The digest of all its bytes, read now."""
        return sha256_of(self.mapped())

    def mapped(self) -> Buffer:
        """Its bytes, of which only those that are looked at are read."""
        if self.num_bytes == 0:  # which cannot be mapped
            return b""
        return mmap.mmap(self.descriptor, self.num_bytes, access=mmap.ACCESS_READ)

    def read_rows(self, offsets: NDArray[np.int64], rows: NDArray[Any], places: list[int]) -> None:
        """Fill `rows[place]` from the bytes at each offset; DamageError if the file ends before."""
        size = rows.strides[0]
        target = rows.data.cast("B")
        for offset, place in zip(offsets.tolist(), places, strict=True):
            row = target[place * size : (place + 1) * size]
            if self._read(row, offset) != size:
                raise DamageError(
                    f"{self._path} ends within a sample; it was cut after it was checked: "
                    "run 'kdm pairs repair'"
                )

    def _read(self, row: memoryview, offset: int) -> int:
        try:
            return os.preadv(self.descriptor, (row,), offset)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be read ({error.strerror})") from error


def _opened(path: Path) -> int:
    try:
        # O_NONBLOCK: a pipe in the place of a file would keep the reader waiting for ever.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read ({error.strerror}); change its permissions, or run this as its owner"
        ) from error
