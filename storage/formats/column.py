"""Where the rows of a field lie in a shard's bytes, so that they are read without decoding the rest."""

import mmap
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.records import Columns, RowType

Buffer = bytes | bytearray | memoryview | mmap.mmap


class Column(NamedTuple):
    """Where the rows of a column lie, in rising order of their index."""

    part: str  # the file
    dtype: np.dtype[Any]
    row_shape: tuple[int, ...]
    offsets: NDArray[np.int64]  # of each row's first byte


def gather(column: Column, data: Buffer, rows: NDArray[Any] | None = None) -> NDArray[Any]:
    """Rows of a column (all of them, or these positions) copied from its part's bytes."""
    offsets = column.offsets if rows is None else column.offsets[rows]
    row_bytes = RowType(column.dtype, column.row_shape).num_bytes
    bytes_of_part = np.frombuffer(data, np.uint8)
    if not len(offsets):
        return np.empty((0, *column.row_shape), column.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(bytes_of_part, row_bytes)
    return windows[offsets].view(column.dtype).reshape(len(offsets), *column.row_shape)


def columns_of(located: Mapping[str, Column], parts: Mapping[str, Buffer]) -> Columns:
    """All rows of every field, copied out of the files."""
    return {name: gather(column, parts[column.part]) for name, column in located.items()}
