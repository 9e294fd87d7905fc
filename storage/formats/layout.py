"""What a layout on disk must do; a layout's name is its format and the samples in a shard."""

import mmap
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from storage.plugins import plugin_class
from storage.records import Columns, PairSchema, RowType

Buffer = bytes | bytearray | memoryview | mmap.mmap
MAX_SHARD_SIZE = 65_536
MAX_SHARD_BYTES = 2**32  # 4 GiB: a shard is held in memory while it is written


class ShardFile(NamedTuple):
    """One shard at rest: its name below `shards/`, its sha256, and its bytes.

    Where a shard has several files, `parts` has the sha256 of each by its name below `shards/`.
    """

    name: str
    file_digest: str
    num_bytes: int
    parts: Mapping[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Its files below `shards/`."""
        return tuple(sorted(self.parts)) or (self.name,)


class Column(NamedTuple):
    """Where the rows of a column lie, in rising order of their index."""

    part: str  # the file
    dtype: np.dtype[Any]
    row_shape: tuple[int, ...]
    offsets: NDArray[np.int64]  # of each row's first byte


class EncodedShard(NamedTuple):
    """A shard before it is written: its files by their names below `shards/`."""

    file: ShardFile
    parts: dict[str, bytes]


class PairFormat(Protocol):
    """A way to lay shards out (entry-point group `storage.formats`): bytes from columns and back."""

    plugin: ClassVar[str]

    def encode(
        self, shard: int, columns: Columns, schema: PairSchema, shard_size: int
    ) -> EncodedShard:
        """A shard's bytes from columns in rising order of index; equal columns give equal bytes."""

    def require_names(self, shard: int, file: ShardFile, schema: PairSchema) -> None:
        """Raise a ValueError unless a shard's files have just the names that this format gives."""

    def max_bytes(self, schema: PairSchema, shard_size: int) -> int:
        """The most bytes that a shard may have; nobody reads more."""

    def locate(
        self, shard: int, parts: Mapping[str, Buffer], schema: PairSchema, shard_size: int
    ) -> dict[str, Column]:
        """Where each column lies in a shard's bytes, without copying them.

        Raises a ValueError where anything is not exactly as `encode` lays it out.
        """

    def shard_of(self, name: str) -> int | None:
        """The shard that a file below `shards/` belongs to; None where it is no shard's."""

    def metadata(self, num_shards: int, schema: PairSchema, shard_size: int) -> dict[str, bytes]:
        """Files of the whole set below `shards/`, by name, that tell plain readers what is there."""


class Layout(NamedTuple):
    """A format and the number of consecutive indices in one of its shards."""

    format: PairFormat
    shard_size: int


def gather(column: Column, data: Buffer, rows: NDArray[Any] | None = None) -> NDArray[Any]:
    """Rows of a column (all of them, or these positions) copied from its part's bytes."""
    offsets = column.offsets if rows is None else column.offsets[rows]
    row_bytes = RowType(column.dtype, column.row_shape).num_bytes
    bytes_of_part = np.frombuffer(data, np.uint8)
    if not len(offsets):
        return np.empty((0, *column.row_shape), column.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(bytes_of_part, row_bytes)
    return windows[offsets].view(column.dtype).reshape(len(offsets), *column.row_shape)


def require_indices(index: NDArray[np.int64], shard: int, shard_size: int) -> None:
    """Raise a ValueError unless these are indices of the shard, in rising order, each once."""
    first = shard * shard_size
    if len(index) and (index[0] < first or index[-1] >= first + shard_size):
        raise ValueError(f"holds index {index[0]} or {index[-1]}, which is not of shard {shard}")
    if (np.diff(index) <= 0).any():
        raise ValueError("holds indices that do not rise")


def require_size(schema: PairSchema, shard_size: int) -> None:
    """Raise a ValueError where a shard would be too large to be held in memory."""
    num_bytes = schema.num_bytes * shard_size
    if num_bytes > MAX_SHARD_BYTES:
        raise ValueError(
            f"a shard of {shard_size:,} samples would have {num_bytes:,} bytes, at most "
            f"{MAX_SHARD_BYTES:,} are allowed; choose a layout with a smaller shard"
        )


def parse_layout(name: str) -> Layout:
    """`wds-4096` → the WebDataset format with 4,096 indices a shard; a ValueError otherwise."""
    kind, _, size = name.rpartition("-")
    # Five digits at most: int() of a million would take minutes.
    num_samples = int(size) if size.isascii() and size.isdecimal() and len(size) <= 5 else 0
    is_power = num_samples & (num_samples - 1) == 0
    if not is_power or not 1 <= num_samples <= MAX_SHARD_SIZE or size != str(num_samples):
        raise ValueError(
            f"layout '{name[:80]}': the shard size must be a power of two, at most "
            f"{MAX_SHARD_SIZE:,}, as in 'wds-4096' or 'wds-256'"
        )
    return Layout(cast("PairFormat", plugin_class("storage.formats", kind)()), num_samples)


def require_layout(name: str) -> str:
    """The name of a layout that there is; a ValueError otherwise."""
    parse_layout(name)
    return name
