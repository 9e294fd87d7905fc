"""Batches of a set, once the numbers that were asked for are checked."""

from dataclasses import dataclass

from flows.api.arguments import whole
from flows.api.batch_state import Bounds, ReadingState, SavedState
from flows.api.own_rank import share_of
from flows.api.pair_batches import BatchSource, PairBatches
from storage.masks import Mask
from storage.store import PairStore


@dataclass(frozen=True)
class Asked:
    """The numbers of a call; a ValueError for those that can't be."""

    batch_size: int
    seed: int
    num_steps: int | None
    num_epochs: int | None
    num_workers: int

    def __post_init__(self) -> None:
        whole("batch_size", self.batch_size, 1, 2**24)
        whole("seed", self.seed, 0, 2**64 - 1)
        whole("num_workers", self.num_workers, 0, 1024)
        for name in ("num_steps", "num_epochs"):
            if (number := getattr(self, name)) is not None:
                whole(name, number, 1, 10**12)
        if self.num_steps is not None and self.num_epochs is not None:
            raise ValueError(
                f"num_steps is {self.num_steps} and num_epochs is {self.num_epochs}; give one of them"
            )

    def require_a_batch(self, num_kept: int) -> None:
        """Raise a ValueError if epochs would end before the first batch does."""
        if self.num_epochs is not None and self.num_epochs * num_kept < self.batch_size:
            raise ValueError(
                f"num_epochs is {self.num_epochs}, over {num_kept:,} pairs, which don't fill one batch of "
                f"{self.batch_size:,}; lower batch_size, or give num_steps"
            )


def made_batches(
    store: PairStore,
    masks: tuple[Mask, ...],
    asked: Asked,
    *,
    count: int,
    num_kept: int,
    ranks: tuple[int | None, int | None],
) -> PairBatches:
    """The batches of the first `count` indices; a ValueError, before any is read, if there can't be one."""
    share = share_of(*ranks)
    saved = SavedState(
        set_digest=store.spec_digest,
        split=store.split,
        count=count,
        masks=tuple(mask.decision for mask in masks),
        seed=asked.seed,
        batch_size=asked.batch_size,
    )
    source = BatchSource(store.folder.url, store.layout, masks, share, saved)
    source.reader(ReadingState())  # which refuses what it can't read
    asked.require_a_batch(num_kept)
    return PairBatches(source, Bounds(asked.num_steps, asked.num_epochs), asked.num_workers)
