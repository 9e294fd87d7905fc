"""Which pair of a split stayed in the place of one that was dropped as its near-duplicate."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdm.privacy.neighbours import nearest
from storage.masks import Mask, read_keep
from storage.records import PairBatch, as_numbers
from storage.store import PairStore

Stayed = tuple[int, NDArray[Any]]  # its index, and x_0 [*shape]


def stayed(
    store: PairStore, contents: Sequence[str], mask: Mask, dropped: PairBatch
) -> list[Stayed | None]:
    """For each dropped pair the nearest by pixels of those with a lower index that the decision keeps.

    None of a pair without one. Shards are read one at a time.
    """
    samples, distance = as_numbers(dropped.x_0), np.full(len(dropped), np.inf)
    found: list[Stayed | None] = [None] * len(dropped)
    for shard, content in enumerate(contents):
        columns = store.columns(shard, content)
        keep = read_keep(store.base / "masks", mask, content, num_rows=len(columns["index"]))
        index, kept = columns["index"][keep], as_numbers(columns["x_0"][keep])
        for last, rows in _by_last(dropped.index, index):
            near = nearest(samples[rows], kept[:last], lambda _: None)
            for place in np.flatnonzero(near.distance < distance[rows]):
                row, other = rows[place], near.row[place]
                distance[row] = near.distance[place]
                found[row] = int(index[other]), kept[other]
    return found


def _by_last(
    dropped: NDArray[np.int64], index: NDArray[np.int64]
) -> list[tuple[int, NDArray[np.int64]]]:
    """How many of the kept indices, rising, are lower than some dropped ones, and which ones these are."""
    lower = np.searchsorted(index, dropped)
    return [(int(last), np.flatnonzero(lower == last)) for last in np.unique(lower[lower > 0])]
