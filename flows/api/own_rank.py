"""Which rank this process is, so that ranks never read the same rows because nobody said it."""

import os

import torch.distributed

from flows.api.arguments import shown, whole
from storage.reading.share import Share

_MOST = 2**20


def share_of(rank: int | None, ranks: int | None) -> Share:
    """The share of this rank; by default that of `torch.distributed`, or everything without it.

    Raises a ValueError for numbers that don't fit, and in a process of torchrun that says neither.
    """
    if (rank is None) != (ranks is None):
        raise ValueError(
            f"rank is {shown(rank)} and ranks is {shown(ranks)}; give both, or neither"
        )
    if rank is not None and ranks is not None:
        whole("ranks", ranks, 1, _MOST)
        whole("rank", rank, 0, _MOST)
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
