"""Batches for a training loop of any kind: any rank, any number of workers, resumed exactly.

Batch t holds the same pairs whatever reads it: the order is a function of seed, count and masks
(docs/reading.md), a rank has its rows of every batch, and several workers make whole batches in turn. So the
state is how far the order was read, and needs no word of ranks or workers.
"""

import mmap
import os
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from multiprocessing.context import get_spawning_popen
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from flows.api.batch_state import Bounds, ReadingState, SavedState
from flows.api.pair_tensors import PairTensors, pair_tensors
from storage.folders import folder_at
from storage.masks import Mask
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.reading.share import Share
from storage.store import PairStore


@dataclass(frozen=True)
class BatchSource:
    """What the batches are of, as plain values that any process can open."""

    url: str
    layout: str
    masks: tuple[Mask, ...]
    share: Share
    saved: SavedState  # the state before the first batch

    def reader(self, state: ReadingState, worker: int = 0, workers: int = 1) -> PairReader:
        """A reader that goes on from a state, opened in this process."""
        saved = self.saved
        return PairReader(
            PairStore.open(folder_at(self.url), split=saved.split, layout=self.layout),
            Order(saved.seed, saved.count),
            saved.batch_size,
            masks=self.masks,
            share=Share(self.share.rank, self.share.ranks, worker, workers),
            position=state.position,
        )


class PairBatches(IterableDataset[PairTensors]):
    """Batches of `PairTensors`, without end unless a number of steps or epochs was given.

    Loop over it, or give it to `DataLoader(batches, batch_size=None, num_workers=n)`: both give the same
    batches in the same order. A loop begins where the one before was left. `state_dict()` says how far the
    loop has come, and so does each batch's `state`; `load_state_dict` goes on from there, with any number
    of ranks and workers.
    """

    def __init__(self, source: BatchSource, bounds: Bounds, num_workers: int) -> None:
        self._source, self._bounds, self._num_workers = source, bounds, num_workers
        self._state = ReadingState()
        self._loop = 0  # the number of the newest loop; older ones may not go on
        self._has_ended = False
        self._serves_itself = False  # a copy that our own workers read
        self._read_elsewhere = mmap.mmap(-1, 1)  # 1: workers of a user's DataLoader have read it

    def __iter__(self) -> Iterator[PairTensors]:
        worker = get_worker_info()
        if worker is not None:
            if not self._serves_itself:
                self._read_elsewhere[0] = 1
            return self._made(worker.id, worker.num_workers)
        if self._has_ended:
            raise ValueError(
                f"these batches ended {self._bounds}, so that a new loop would get none; make new ones with "
                "pairs.batches(…), or give more steps or epochs"
            )
        self._loop += 1
        return self._followed(self._loop, os.getpid())

    def state_dict(self) -> dict[str, Any]:
        """How far the loop has come, as plain values: with it the next batch follows the last one.

        Raises a ValueError if workers of a `DataLoader` have read these batches, who don't tell.
        """
        if self._read_elsewhere[0]:
            raise ValueError(
                "workers of a DataLoader have read these batches, and only each batch says how far: save "
                "`batch.state` of the last one that was used; or loop over the batches themselves, made with "
                "pairs.batches(…, num_workers=…)"
            )
        return self._source.saved.at(self._state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on after the batch that this state was saved with.

        Raises a ValueError if it is of another set, order or batch size: the batches would be others.
        """
        self._state = self._source.saved.progress_in(state)
        self._loop += 1
        self._has_ended = False
        self._read_elsewhere[0] = 0

    def _followed(self, loop: int, process: int) -> Iterator[PairTensors]:
        """The batches of one loop of this process."""
        batches = self._batches()
        while (batch := self._next(batches, loop, process)) is not None:
            yield batch
        self._has_ended = True

    def _next(self, batches: Iterator[PairTensors], loop: int, process: int) -> PairTensors | None:
        if os.getpid() != process:
            raise ValueError(
                f"this loop over batches began in process {process}, and {os.getpid()} is a copy of it: both "
                "would get the same pairs. Begin a loop in each process, of batches with its rank= and ranks="
            )
        if loop != self._loop:
            raise ValueError(
                "another loop over these batches began, or a state was loaded, and this one can't go on; "
                "have one loop at a time, or make batches for each with pairs.batches(…)"
            )
        for batch in batches:
            assert batch.state is not None  # each batch has one
            self._state = self._source.saved.progress_in(batch.state)
            return batch
        return None

    def _batches(self) -> Iterator[PairTensors]:
        if not self._num_workers:
            return self._made()
        served = copy(self)
        served._serves_itself = True
        return iter(DataLoader(served, batch_size=None, num_workers=self._num_workers))

    def _made(self, worker: int = 0, workers: int = 1) -> Iterator[PairTensors]:
        """Every `workers`th batch from the state on, beginning with batch `worker` of them."""
        step = self._state.step + worker
        for position, pairs in self._source.reader(self._state, worker, workers):
            state = ReadingState(position, step + 1)
            if self._bounds.are_passed(state):
                return
            yield pair_tensors(pairs, self._source.saved.at(state))
            step += workers

    def __getstate__(self) -> dict[str, Any]:
        """What another process gets: all but the memory that forked workers share."""
        if get_spawning_popen() is not None and not self._serves_itself:
            self._read_elsewhere[0] = 1
        return {name: each for name, each in self.__dict__.items() if name != "_read_elsewhere"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._read_elsewhere = mmap.mmap(-1, 1)
