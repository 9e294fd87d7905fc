"""Sets of samples, [n, *shape], of which only the rows in work are in memory.

Of 50,000 pictures of 3×32×32 a set takes 0.57 GiB as float32, and an evaluation has four. So the rows of
a large one lie in a file without a name; who needs a few at a time asks for `samples[rows]` or goes
through `batches`.
"""

import errno
import hashlib
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.errors import StoreError
from storage.folders.local_errors import FULL
from storage.records import as_numbers

Points = NDArray[np.float32]
Rows = slice | NDArray[np.int64]

FOLDER_VARIABLE = "TMPDIR"  # of the folder for files without a name, which Python reads
IN_MEMORY = 2**24  # bytes of a set: smaller ones are arrays
_BATCH = 2**23  # bytes of a batch


class FiledRows:
    """Rows in a file without a name: the system removes it with this process, however that ends."""

    def __init__(
        self, parts: Iterable[NDArray[Any]], dtype: np.dtype[Any], row_shape: tuple[int, ...]
    ) -> None:
        """Parts [rows, *row_shape] of this type, written as they come."""
        self._dtype, count = dtype, 0
        with _told_if_full():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with this object)
            weakref.finalize(self, self._file.close)
            for part in parts:
                self._file.write(_bytes_of(part))
                count += len(part)
            self._file.flush()
        self.shape: tuple[int, ...] = (count, *row_shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> NDArray[Any]:
        """A copy of some rows, [rows, *row_shape]."""
        wanted = np.arange(len(self))[rows]
        found = np.empty((len(wanted), *self.shape[1:]), self._dtype)
        # Neighbours in the file are read at once.
        for first, end in pairwise([0, *np.flatnonzero(np.diff(wanted) != 1) + 1, len(wanted)]):
            if first < end:
                self._read(int(wanted[first]), found[first:end])
        return found

    def _read(self, first: int, into: NDArray[Any]) -> None:
        self._file.seek(first * into[0].nbytes)
        if self._file.readinto(_bytes_of(into)) != into.nbytes:
            raise OSError(errno.EIO, "a file of samples in work is shorter than it was written")


Source = NDArray[Any] | FiledRows


class SampleSet:
    """Samples [n, *shape] as numbers; stored bytes and float16 become float32 as they are read."""

    def __init__(self, source: Source, rows: NDArray[np.int64] | None = None) -> None:
        """Those of a source [m, *shape], or its `rows` [n] in this order."""
        self._source, self._rows = source, rows
        of_one = source.shape[1:]
        self.shape: tuple[int, ...] = source.shape if rows is None else (len(rows), *of_one)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> Points:
        """Some of them, [rows, *shape], in memory."""
        found = self._source[rows if self._rows is None else self._rows[rows]]
        return _numbers(found)

    def array(self) -> Points:
        """All of them, [n, *shape], in memory."""
        return self[:]

    def batches(self) -> Iterator[tuple[slice, Points]]:
        """All of them in order, some at a time: their places and [rows, *shape]."""
        values = int(np.prod(self.shape[1:]))
        num_rows = max(1, _BATCH // max(1, 4 * values))
        for first in range(0, len(self), num_rows):
            rows = slice(first, min(first + num_rows, len(self)))
            yield rows, self[rows]

    @cached_property
    def num_broken(self) -> int:
        """How many hold NaN or Inf."""
        finite = (np.isfinite(each.reshape(len(each), -1)).all(1) for _, each in self.batches())
        return len(self) - sum(int(np.count_nonzero(each)) for each in finite)

    @cached_property
    def content(self) -> list[Any]:
        """Type, shape and sha256 of the array."""
        total = hashlib.sha256()
        for _, each in self.batches():
            total.update(_bytes_of(each))
        return [self[:1].dtype.str, self.shape, total.hexdigest()]


def set_of(samples: "NDArray[Any] | SampleSet") -> SampleSet:
    """An array [n, *shape] as a set; a set stays."""
    return samples if isinstance(samples, SampleSet) else SampleSet(samples)


def gathered(parts: Iterable[NDArray[Any]]) -> Source:
    """Parts [rows, *shape] of a set, at least one: in an array as long as that's small, else in a file."""
    coming, held, num_bytes = iter(parts), list[NDArray[Any]](), 0
    for part in coming:
        held.append(part)
        num_bytes += part.nbytes
        if num_bytes > IN_MEMORY:
            like = held[0]
            return FiledRows(_first_these(held, coming), like.dtype, like.shape[1:])
    return np.concatenate(held)


def _first_these(
    held: list[NDArray[Any]], coming: Iterator[NDArray[Any]]
) -> Iterator[NDArray[Any]]:
    """What is held, let go part by part, then what comes."""
    while held:
        yield held.pop(0)
    yield from coming


def _bytes_of(array: NDArray[Any]) -> memoryview:
    """Its rows' bytes; a view of those in order."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data  # also of no rows


def _numbers(found: NDArray[Any]) -> Points:
    numbers = as_numbers(found)
    return numbers.astype(np.float32) if numbers.dtype == np.float16 else numbers


@contextmanager
def _told_if_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StoreError(
            f"{tempfile.gettempdir()} is full; samples are kept there while they are measured: "
            f"free some space, or set {FOLDER_VARIABLE} to a folder on a larger disk"
        ) from error
