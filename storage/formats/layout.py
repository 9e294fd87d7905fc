"""A layout of shards on disk; its name is its format and the number of indices in a shard."""

from typing import NamedTuple, cast

from storage.formats.pair_format import PairFormat
from storage.plugins import plugin_class

MAX_SHARD_SIZE = 65_536


class Layout(NamedTuple):
    """A format and the number of consecutive indices in one of its shards."""

    format: PairFormat
    shard_size: int


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
