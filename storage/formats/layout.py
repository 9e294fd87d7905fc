"""What a layout on disk must do; a layout's name is its format and the samples in a shard."""

from typing import ClassVar, NamedTuple, Protocol, cast

from storage.fs import Folder
from storage.plugins import plugin_class
from storage.records import Columns, PairSchema


class ShardFile(NamedTuple):
    """One shard at rest: the name below `shards/`, its sha256, and its bytes."""

    name: str
    file_digest: str
    num_bytes: int


class PairFormat(Protocol):
    """A way to lay shards out (entry-point group `storage.formats`)."""

    plugin: ClassVar[str]

    def write(self, shards: Folder, stem: str, columns: Columns) -> ShardFile:
        """Write one shard durably; equal columns give equal bytes."""

    def read(self, shards: Folder, file: ShardFile, schema: PairSchema) -> Columns:
        """The columns of a shard, after its bytes were checked; `DamageError` where they differ."""


class Layout(NamedTuple):
    """A format and the number of consecutive indices in one of its shards."""

    format: PairFormat
    shard_size: int


def parse_layout(name: str) -> Layout:
    """`wds-4096` → the WebDataset format with 4,096 indices a shard; a ValueError otherwise."""
    kind, _, size = name.rpartition("-")
    if not size.isdecimal() or int(size) < 1 or int(size) & (int(size) - 1):
        raise ValueError(
            f"layout '{name}': the shard size must be a power of two, as in 'wds-4096' or 'wds-256'"
        )
    return Layout(cast("PairFormat", plugin_class("storage.formats", kind)()), int(size))


def require_layout(name: str) -> str:
    """The name of a layout that there is; a ValueError otherwise."""
    parse_layout(name)
    return name
