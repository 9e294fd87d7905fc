"""Who reads what, when: a seeded order over canonical blocks (docs/reading.md)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Indices in a canonical block, for any shard size: the order doesn't depend on the layout.
BLOCK = 4096


@dataclass(frozen=True)
class Position:
    """How far an order has been read: indices of the epoch passed, before masks."""

    epoch: int = 0  # counted from 0
    offset: int = 0  # indices of that epoch that were passed


@dataclass(frozen=True)
class Window:
    """Indices that are shuffled as one; the first of them is at `offset` of its epoch."""

    epoch: int
    offset: int
    index: NDArray[np.int64]


@dataclass(frozen=True)
class Order:
    """The order of `count` indices in each epoch; a function of (seed, epoch, count, window) alone.

    Blocks of 4,096 indices are dealt into windows of at most `window` blocks, and each window is
    shuffled as one, so that its reader holds `window` blocks and sees a permutation.
    """

    seed: int  # another seed is another order
    count: int  # the first so many indices of the set
    window: int = 16  # blocks that are shuffled together
    # False: blocks are permuted and cut into windows, as teachers are trained on points from the
    # start. All of those are in memory, and a window's stray mean does no harm.
    is_dealt: bool = True

    def windows(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        """The epoch's indices, one shuffled window after the other (int64)."""
        blocks = self._dealt(epoch)
        for number in range(blocks.shape[1]):
            yield self._shuffled(epoch, number, blocks)

    def epoch(self, epoch: int) -> NDArray[np.int64]:
        """The whole epoch: a permutation of 0 … count − 1."""
        if self.count == 0:
            return np.empty(0, np.int64)
        return np.concatenate(list(self.windows(epoch)))

    def windows_from(self, position: Position) -> Iterator[Window]:
        """What comes after a position, epoch after epoch without end; no window before it is made.

        The first window begins at the position, which may be inside a window.
        """
        if self.count < 1:
            raise ValueError("an order needs indices to have windows; count must be at least 1")
        epoch, offset = position.epoch, position.offset
        while True:
            yield from self._rest(epoch, offset)
            epoch, offset = epoch + 1, 0

    def _rest(self, epoch: int, offset: int) -> Iterator[Window]:
        blocks = self._dealt(epoch)
        lengths = np.clip(self.count - blocks * BLOCK, 0, BLOCK).sum(axis=0)
        ends = np.cumsum(lengths)
        for number in range(int(np.searchsorted(ends, offset, side="right")), len(ends)):
            first = int(ends[number] - lengths[number])
            index = self._shuffled(epoch, number, blocks)
            yield Window(epoch, max(first, offset), index[max(offset - first, 0) :])

    def _dealt(self, epoch: int) -> NDArray[np.int64]:
        """Blocks, a column for each window; those past the end of the set are empty.

        If there are several windows, each gets one block of every run of as many neighbours: a
        window then spans the set, and the end of one says nothing about what comes next.
        """
        num_blocks = -(-self.count // BLOCK)
        num_windows = -(-num_blocks // self.window)
        stream = self._stream(epoch, 0)
        if not self.is_dealt:
            blocks = np.full(num_windows * self.window, num_blocks, np.int64)
            blocks[:num_blocks] = stream.permutation(num_blocks)
            return blocks.reshape(num_windows, self.window).T
        if num_windows < 2:
            return stream.permutation(num_blocks)[:, None].astype(np.int64, copy=False)
        num_runs = -(-num_blocks // num_windows)
        runs = np.arange(num_runs * num_windows, dtype=np.int64).reshape(num_runs, num_windows)
        dealt = stream.random_sample(runs.shape).argsort(axis=1, kind="stable")
        return np.take_along_axis(runs, dealt, axis=1)

    def _shuffled(self, epoch: int, number: int, blocks: NDArray[np.int64]) -> NDArray[np.int64]:
        index = np.concatenate([self._block(int(block)) for block in blocks[:, number]])
        return self._stream(epoch, number + 1).permutation(index)

    def _block(self, block: int) -> NDArray[np.int64]:
        return np.arange(block * BLOCK, min((block + 1) * BLOCK, self.count), dtype=np.int64)

    def _stream(self, epoch: int, window: int) -> np.random.RandomState:
        key = np.array([self.seed, self.count], np.uint64)
        counter = np.array([0, window, epoch, self.window], np.uint64)
        return np.random.RandomState(np.random.Philox(key=key, counter=counter))
