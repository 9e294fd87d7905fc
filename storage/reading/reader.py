"""Batches of pairs from files, in the canonical order, for any rank and worker.

Rows are read where they lie, so memory holds a few batches and the numbers of two windows, whatever
the size of the set. While batches are made of one window, the shards of the next are fetched and checked.
"""

import resource
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from storage.folders import folder_at
from storage.in_order import in_order
from storage.masks import Mask
from storage.reading.cache import ShardCache
from storage.reading.open_shard import OpenShard, ShardFiles
from storage.reading.order import BLOCK, Order, Position, Window
from storage.reading.plan import Batch, Kept, batches
from storage.reading.share import Share
from storage.records import PairBatch
from storage.shard_record import Record
from storage.store import PairStore

# A consumer that was slow for a while finds what it missed; of large samples fewer are kept ready.
BATCHES_AHEAD, BYTES_AHEAD = 4, 2**28
WINDOWS_AHEAD = 1
# Shards that are fetched at once: each is in memory until it is checked.
FETCHES = 4


@dataclass(frozen=True)
class PairReader:
    """The pairs of a store's first `order.count` indices, `batch_size` kept rows a batch, without end.

    Batch t, its indices and its values depend on order, masks, batch size and position only: ranks,
    workers, layout, shard size and threads don't change them. Iterating gives a
    rank's rows of each batch, and the position from which another reader goes on with the next.
    """

    store: PairStore
    order: Order
    batch_size: int
    masks: tuple[Mask, ...] | None = None  # (): none; None: the one decision there is
    share: Share = field(default_factory=Share)
    cache: ShardCache | None = None  # of remote shards; None: the default one
    threads: int = 1  # that make batches ahead; 0: all is done in the caller's
    position: Position = field(default_factory=Position)

    @cached_property
    def taken(self) -> tuple[Mask, ...]:
        """The masks that it reads by; `MismatchError` where it names none and there are several."""
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
            _Windows(self).kept,
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


class _Windows:
    """Opens the shards of one window after the other; those of the window before are open already."""

    def __init__(self, reader: PairReader) -> None:
        store = reader.store
        self._reader = reader
        self._manifest = store.manifest(reader.order.count)
        cache = None if store.shards.is_local else reader.cache or ShardCache.default()
        self._files = ShardFiles(store, cache)
        self._shards: dict[int, OpenShard] = {}
        self._num_passed = 0  # indices since one was kept

    def kept(self, window: Window) -> Kept:
        """The rows of a window that are there to be read."""
        shard_size = self._reader.store.shard_size
        numbers = np.unique(window.index // shard_size).tolist()
        # A new dict each time: the windows before are still being read.
        self._shards = self._shards_of(numbers)
        kept = Kept.of(window, self._shards, shard_size)
        self._require_some(kept, len(window.index))
        return kept

    def _shards_of(self, numbers: list[int]) -> dict[int, OpenShard]:
        standing = {number: self._shards.get(number) for number in numbers}
        records = self._records([number for number, shard in standing.items() if shard is None])
        if self._files.cache is not None:
            known = sum(shard.num_bytes for shard in standing.values() if shard is not None)
            num_bytes = known + sum(record.num_bytes for record in records)
            self._files.cache.require_room(num_bytes, f"a window of {self._files.store.base.url}")
        opened = iter(self._opened(records, holds_files=self._holds_files(len(numbers))))
        return {number: shard or next(opened) for number, shard in standing.items()}

    def _records(self, numbers: list[int]) -> list[Record]:
        store, content_of = self._reader.store, self._manifest.content_digest
        return [
            # `vouched` says what is wrong with a record that is not the one that was frozen.
            record
            if record.content_digest == content_of(record.shard)
            else store.vouched(record.shard, content_of(record.shard))
            for record in store.records(numbers)
        ]

    def _opened(self, records: list[Record], *, holds_files: bool) -> list[OpenShard]:
        def opened(record: Record) -> OpenShard:
            return OpenShard(self._files, record, self._reader.taken, holds_files=holds_files)

        if self._files.cache is None or self._reader.threads == 0:
            return list(map(opened, records))
        with ThreadPoolExecutor(FETCHES) as pool:
            return list(pool.map(opened, records))

    def _holds_files(self, num_shards: int) -> bool:
        """Whether the windows that are read at one time may all keep their files open."""
        order, schema = self._reader.order, self._reader.store.schema
        num_windows = 3 + self._reader.batch_size // (order.window * BLOCK)
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        num_files = num_windows * num_shards * len(schema.stored_fields)
        return allowed == resource.RLIM_INFINITY or num_files <= allowed // 2

    def _require_some(self, kept: Kept, num_indices: int) -> None:
        self._num_passed = 0 if len(kept) else self._num_passed + num_indices
        count = self._reader.order.count
        # So many in a row hold a whole epoch, wherever in one they began.
        if self._num_passed >= 2 * count:
            raise ValueError(
                f"none of the {count:,} indices has a row: filters dropped them all; "
                "choose other masks or a milder threshold"
            )


def _by_shard(rows: Kept) -> dict[int, list[int]]:
    """Places of the rows of each shard."""
    places: dict[int, list[int]] = {}
    for place, shard in enumerate(rows.shard.tolist()):
        places.setdefault(shard, []).append(place)
    return places
