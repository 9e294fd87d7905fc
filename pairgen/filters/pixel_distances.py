"""Distances of chosen pictures of a split to others, with few of them in memory at a time.

rmse(i, j) = min over views v of √(mean (v(x_i) − x_j)²),      v: the picture, its mirror image
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.set_filter import PairShards

_BYTES = 2**27  # of pictures in memory at a time, 128 MiB, in each of two blocks
_AT_A_TIME = 2**21  # values compared at a time, 16 MiB a copy in float64
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class PlacedPictures:
    """Where the pictures of a split are: of each place in their order, its shard and its row there."""

    shards: PairShards
    shape: tuple[int, ...]  # of one picture
    shard: Rows  # [n]
    row: Rows  # [n]

    def rmse(self, i: Rows, j: Rows) -> NDArray[np.float64]:
        """The distances [p] of pictures i to pictures j, j < i, both [p] places."""
        found = np.empty(len(i))
        blocks = self._blocks(np.unique(np.concatenate([i, j])))
        for number, later in enumerate(blocks):
            of_later = _within(i, later)
            own = self._read(later) if of_later.any() else None
            for earlier in blocks[: number + 1]:
                chosen = np.flatnonzero(of_later & _within(j, earlier))
                if own is None or not len(chosen):
                    continue
                other = own if earlier is later else self._read(earlier)
                found[chosen] = _rmse(
                    own,
                    np.searchsorted(later, i[chosen]),
                    other,
                    np.searchsorted(earlier, j[chosen]),
                )
        return found

    def _blocks(self, places: Rows) -> Sequence[Rows]:
        """The places, rising, in runs whose pictures fit into memory."""
        num_bytes = 4 * int(np.prod(self.shape)) * len(places)
        return np.array_split(places, -(-num_bytes // _BYTES)) if num_bytes else []

    def _read(self, places: Rows) -> NDArray[np.float32]:
        """The pictures [k, *shape] at these places, shard by shard."""
        found = np.empty((len(places), *self.shape), np.float32)
        for shard in np.unique(self.shard[places]):
            here = np.flatnonzero(self.shard[places] == shard)
            found[here] = self.shards.read(int(shard)).x_0[self.row[places[here]]]
        return found


def _within(places: Rows, block: Rows) -> NDArray[np.bool_]:
    """Which places are those of a block, a run of all that are asked for."""
    return np.asarray((places >= block[0]) & (places <= block[-1]))


def _rmse(
    left: NDArray[np.float32], i: Rows, right: NDArray[np.float32], j: Rows
) -> NDArray[np.float64]:
    """Of the rows i of one array to the rows j of another, [p]."""
    step = max(1, _AT_A_TIME // int(np.prod(left.shape[1:])))
    found = np.empty(len(i))
    for first in range(0, len(i), step):
        some = slice(first, first + step)
        own, other = left[i[some]].astype(np.float64), right[j[some]].astype(np.float64)
        views = [((view - other) ** 2).reshape(len(own), -1) for view in (own, own[..., ::-1])]
        found[some] = np.sqrt(np.minimum(*(view.mean(axis=1) for view in views)))
    return found
