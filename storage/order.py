"""Who reads what, when: a seeded order over canonical blocks (STORE.md, 'Order of reading')."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Indices in a canonical block, whatever the shard size: the order does not depend on the layout.
BLOCK = 4096


@dataclass(frozen=True)
class Order:
    """The order of `count` indices in each epoch; a function of (seed, epoch, count, window) alone.

    Blocks of 4,096 indices are permuted; each run of `window` blocks is then shuffled as one, so
    that a reader who is `window` blocks deep in memory sees every epoch as a permutation.
    """

    seed: int
    count: int
    window: int = 16

    def windows(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        """The epoch's indices, one shuffled window after the other (int64)."""
        num_blocks = -(-self.count // BLOCK)
        blocks = self._stream(epoch, 0).permutation(num_blocks)
        for number, first in enumerate(range(0, num_blocks, self.window), start=1):
            chosen = [self._block(int(block)) for block in blocks[first : first + self.window]]
            yield self._stream(epoch, number).permutation(np.concatenate(chosen))

    def epoch(self, epoch: int) -> NDArray[np.int64]:
        """The whole epoch: a permutation of 0 … count − 1."""
        if self.count == 0:
            return np.empty(0, np.int64)
        return np.concatenate(list(self.windows(epoch)))

    def _block(self, block: int) -> NDArray[np.int64]:
        return np.arange(block * BLOCK, min((block + 1) * BLOCK, self.count), dtype=np.int64)

    def _stream(self, epoch: int, window: int) -> np.random.RandomState:
        key = np.array([self.seed, self.count], np.uint64)
        counter = np.array([0, window, epoch, self.window], np.uint64)
        return np.random.RandomState(np.random.Philox(key=key, counter=counter))
