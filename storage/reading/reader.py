"""Batches of pairs from files, in the canonical order, for any rank and worker.

Rows are read in place, so memory holds a few batches and the numbers of two windows, for a set of
any size. While batches are made of one window, the shards of the next are fetched and checked.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from storage.folders import folder_at
from storage.in_order import in_order
from storage.masks import Mask
from storage.reading.cache import ShardCache
from storage.reading.order import Order, Position
from storage.reading.plan import Batch, Kept, batches
from storage.reading.share import Share
from storage.reading.windows import Windows
from storage.records import PairBatch
from storage.store import PairStore

# A consumer that was slow for a while catches up; fewer batches of large samples are kept ready.
BATCHES_AHEAD, BYTES_AHEAD = 4, 2**28
WINDOWS_AHEAD = 1


@dataclass(frozen=True)
class PairReader:
    """The pairs of a store's first `order.count` indices, `batch_size` kept rows a batch, without end.

    Batch t, its indices and its values depend on order, masks, batch size and position only: ranks,
    workers, layout, shard size and threads don't change them. Iterating gives a
    rank's rows of each batch, and the position from which another reader goes on with the next.
    """

    store: PairStore  # whose pairs
    order: Order  # in which indices come
    batch_size: int  # rows a batch, of all ranks together
    masks: tuple[Mask, ...] | None = None  # (): none; None: the only decision there is
    share: Share = field(default_factory=Share)  # this rank's part
    cache: ShardCache | None = None  # of remote shards; None: the default one
    threads: int = 1  # that make batches ahead; 0: all is done in the caller's
    position: Position = field(default_factory=Position)  # where it begins
    has_states: bool = True  # False: states between noise and data, if stored, stay in the files

    @cached_property
    def taken(self) -> tuple[Mask, ...]:
        """The masks that it reads by; `MismatchError` if none are named and there are several."""
        return self.store.masks(self.masks)

    def __post_init__(self) -> None:
        _ = self.taken  # refused before anything is read
        if self.batch_size < self.share.ranks:
            raise ValueError(
                f"batch_size is {self.batch_size}; {self.share.ranks} ranks need at least a row each"
            )
        if self.threads < 0:
            raise ValueError(f"threads is {self.threads}; it must be 0 or more")

    def __iter__(self) -> Generator[tuple[Position, PairBatch], None, None]:
        windows = in_order(
            self._windows().kept,
            self.order.windows_from(self.position),
            threads=min(self.threads, 1),
            ahead=WINDOWS_AHEAD,
        )
        with closing(windows):
            planned = batches(windows, batch_size=self.batch_size, share=self.share)
            yield from in_order(self._made, planned, threads=self.threads, ahead=self._ahead)

    @property
    def _ahead(self) -> int:
        schema = self.store.schema
        num_bytes = self.batch_size * (schema.num_bytes + 4 * schema.num_values)
        return max(self.threads, min(BATCHES_AHEAD, BYTES_AHEAD // num_bytes))

    def _windows(self) -> Windows:
        return Windows(
            self.store, self.order, self.taken, self.batch_size, self.threads, self.cache
        )

    def in_worker(self, worker: int, workers: int) -> "PairReader":
        """This reader's share for one of several processes, its store opened again in this one."""
        store = self.store
        return replace(
            self,
            store=PairStore.open(
                folder_at(store.folder.url), split=store.split, layout=store.layout
            ),
            share=replace(self.share, worker=worker, workers=workers),
        )

    def _made(self, batch: Batch) -> tuple[Position, PairBatch]:
        index = np.concatenate([part.index for part in batch.parts])
        columns = {
            name: np.empty((len(index), *row.shape), row.dtype)
            for name, row in self.store.schema.row_types.items()
            if name != "states" or self.has_states
        }
        columns["index"] = index
        first = 0
        for part in batch.parts:
            for shard, places in _by_shard(part).items():
                for name in columns.keys() - {"index"}:
                    part.shards[shard].fill(
                        columns[name][first:], name, rows=part.row[places], places=places
                    )
            first += len(part)
        return batch.position, self.store.batch(columns)


def _by_shard(rows: Kept) -> dict[int, list[int]]:
    """Places of the rows of each shard."""
    places: dict[int, list[int]] = {}
    for place, shard in enumerate(rows.shard.tolist()):
        places.setdefault(shard, []).append(place)
    return places
