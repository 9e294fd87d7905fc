"""One shard's files: their names, digests and bytes."""

from collections.abc import Mapping
from typing import NamedTuple

MAX_SHARD_BYTES = 2**32  # 4 GiB: a shard is held in memory while it is written


class ShardFile(NamedTuple):
    """One shard at rest: its name below `shards/`, its sha256, and its bytes.

    If a shard has several files, `parts` has the sha256 of each by its name below `shards/`.
    """

    name: str
    file_digest: str
    num_bytes: int
    parts: Mapping[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Its files below `shards/`."""
        return tuple(sorted(self.parts)) or (self.name,)


class EncodedShard(NamedTuple):
    """A shard before it is written: its files by their names below `shards/`."""

    file: ShardFile
    parts: dict[str, bytes]
