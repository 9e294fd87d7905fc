"""The pairs that a student's pictures show during training."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kdm.training.inputs import PairsInput
from storage.folders import folder_at
from storage.masks import judged
from storage.records import PairBatch
from storage.set_folder import splits_of
from storage.store import PairStore

NUM_PAIRS = 32  # a picture
ROW = 8  # images side by side
_HELDOUT = "heldout"


def shown_pairs(pairs: PairsInput) -> PairBatch | None:
    """Whole rows of the first held-out pairs, or of the first training pairs; None if masks drop all.

    A `StoreError` if their shard is damaged.
    """
    shown = next(filter(len, _candidates(pairs)), None)
    return None if shown is None else shown.take(_in_whole_rows(len(shown)))


def _candidates(pairs: PairsInput) -> Iterator[PairBatch]:
    """The pairs that masks keep of the first held-out shard, then of the first training shard."""
    folder = folder_at(pairs.url)
    if f"{_HELDOUT}/{pairs.layout}" in splits_of(folder):
        heldout = PairStore.open(folder, split=_HELDOUT, layout=pairs.layout)
        if _is_judged(heldout, pairs):
            yield heldout.load(len(heldout.indices(0)), pairs.taken).pairs
    own = PairStore.open(folder, split=pairs.split, layout=pairs.layout)
    yield own.load(min(pairs.count, own.shard_size), pairs.taken).pairs


def _is_judged(store: PairStore, pairs: PairsInput) -> bool:
    """Whether the first shard is frozen, and every mask has judged it."""
    if not store.ledger.sizes():
        return False
    first = store.ledger.largest().content_digests[0]
    return all(first in judged(store.base / "masks", mask) for mask in pairs.taken)


def _in_whole_rows(num_pairs: int) -> NDArray[np.int64]:
    """Which of the first 32 pairs are shown; fewer than 8 are repeated until a row is full."""
    num_shown = max(ROW, min(num_pairs, NUM_PAIRS) // ROW * ROW)
    return np.arange(num_shown) % num_pairs
