"""Which rank this process is, so that ranks never read the same rows because nobody said it."""

import os
from typing import Any

import torch.distributed

from storage.reading.share import Share


def share_of(rank: int | None, ranks: int | None) -> Share:
    """The share of this rank; by default that of `torch.distributed`, or everything without it.

    Raises a ValueError for numbers that don't fit, and in a process of torchrun that says neither.
    """
    if (rank is None) != (ranks is None):
        raise ValueError(f"rank is {rank} and ranks is {ranks}; give both, or neither")
    if rank is not None and ranks is not None:
        for name, number in (("rank", rank), ("ranks", ranks)):
            _require_whole(name, number)
        return Share(rank, ranks)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return Share(torch.distributed.get_rank(), torch.distributed.get_world_size())
    started = os.environ.get("WORLD_SIZE", "1")
    if started != "1":
        raise ValueError(
            f"this process is one of {started} (WORLD_SIZE), which would all read the same pairs: call "
            "torch.distributed.init_process_group first, or give rank= and ranks="
        )
    return Share()


def _require_whole(name: str, number: Any) -> None:
    if type(number) is not int:
        raise ValueError(f"{name} is {number!r}; it must be a whole number")
