"""Rows of features, [n, d]: an array, or files on a disk of which only the rows in work are in memory.

Of 50,000 pictures Inception's features take 410 MB as float32. So formulas ask for rows, `features[rows]`,
or go through `blocks`, in float64.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BLOCK = 2_000  # rows: 33 MB of 2,048 features in float64


class KeptRows:
    """Columns of float32 arrays in .npy files, all of as many rows but the last, as one [n, d]."""

    def __init__(self, files: Sequence[Path], num_rows: int, columns: slice) -> None:
        """The files are there and whole; the first has as many rows as any."""
        self._files, self._columns = tuple(files), columns
        self._each = len(_opened(files[0]))
        self.shape: tuple[int, int] = (num_rows, columns.stop - columns.start)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """A copy of some rows, [rows, d]."""
        wanted = np.arange(len(self))[rows]
        found = np.empty((len(wanted), self.shape[1]), np.float32)
        files = wanted // self._each
        for file in np.unique(files):
            places = np.flatnonzero(files == file)
            # Mapped for this read alone: pages stay the system's, not this process's.
            opened = _opened(self._files[file])
            found[places] = opened[wanted[places] - file * self._each, self._columns]
        return found


class ChosenRows:
    """Some rows of features, read as they are needed."""

    def __init__(self, features: "Features", rows: NDArray[np.int64]) -> None:
        """`rows` [n] are positions in features [m, d]; in order, they read fastest from a disk."""
        self._features, self._rows = features, rows
        self.shape: tuple[int, int] = (len(rows), features.shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(
        self, rows: slice | NDArray[np.int64]
    ) -> NDArray[np.float32] | NDArray[np.float64]:
        """A copy of some of the chosen rows, [rows, d]."""
        return self._features[self._rows[rows]]


Features = NDArray[np.float64] | NDArray[np.float32] | KeptRows | ChosenRows


def blocks(
    features: Features, num_rows: int = _BLOCK
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """All rows of [n, d] in order, some at a time, as float64: their places and [rows, d]."""
    for first in range(0, len(features), num_rows):
        rows = slice(first, min(first + num_rows, len(features)))
        yield rows, features[rows].astype(np.float64)


def first_rows(features: Features, count: int) -> Features:
    """The first `count` rows of [n, d], or all if there are fewer."""
    return features if count >= len(features) else ChosenRows(features, np.arange(count))


def _opened(path: Path) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
