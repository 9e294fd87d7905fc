"""The contract of a format: bytes from columns and back, exactly one way."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from storage.formats.column import Buffer, Column
from storage.formats.shard_file import MAX_SHARD_BYTES, EncodedShard, ShardFile
from storage.records import Columns, PairSchema


class PairFormat(Protocol):
    """A way to lay shards out (entry-point group `storage.formats`): bytes from columns and back."""

    plugin: ClassVar[str]  # its name in layouts, as in wds-4096

    def encode(
        self, shard: int, columns: Columns, schema: PairSchema, shard_size: int
    ) -> EncodedShard:
        """A shard's bytes from columns in rising order of index; equal columns give equal bytes."""

    def require_names(self, shard: int, file: ShardFile, schema: PairSchema) -> None:
        """Raise a ValueError unless a shard's files have just the names that this format gives."""

    def max_bytes(self, schema: PairSchema, shard_size: int) -> int:
        """The most bytes that a shard may have; readers stop there."""

    def locate(
        self, shard: int, parts: Mapping[str, Buffer], schema: PairSchema, shard_size: int
    ) -> dict[str, Column]:
        """Where each column is in a shard's bytes, without copying them.

        Raises a ValueError if anything is not exactly as `encode` lays it out.
        """

    def shard_of(self, name: str) -> int | None:
        """The shard that a file below `shards/` belongs to; None if it isn't a shard's."""

    def metadata(self, num_shards: int, schema: PairSchema, shard_size: int) -> dict[str, bytes]:
        """Files of the whole set below `shards/`, by name, that describe it to plain readers."""


def require_indices(index: NDArray[np.int64], shard: int, shard_size: int) -> None:
    """Raise a ValueError unless these are indices of the shard, in rising order, each once."""
    first = shard * shard_size
    if len(index) and (index[0] < first or index[-1] >= first + shard_size):
        raise ValueError(f"holds index {index[0]} or {index[-1]}, which isn't in shard {shard}")
    if (np.diff(index) <= 0).any():
        raise ValueError("holds indices that do not rise")


def require_size(schema: PairSchema, shard_size: int) -> None:
    """Raise a ValueError if a shard would be too large to be held in memory."""
    num_bytes = schema.num_bytes * shard_size
    if num_bytes > MAX_SHARD_BYTES:
        raise ValueError(
            f"a shard of {shard_size:,} samples would have {num_bytes:,} bytes, at most "
            f"{MAX_SHARD_BYTES:,} are allowed; choose a layout with a smaller shard"
        )
