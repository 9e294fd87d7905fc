"""Opens the shards of one window of the order after the other."""

import resource
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from storage.masks import Mask
from storage.reading.cache import ShardCache
from storage.reading.open_shard import OpenShard, ShardFiles
from storage.reading.order import BLOCK, Order, Window
from storage.reading.plan import Kept
from storage.shard_record import Record
from storage.store import PairStore

# Shards that are fetched at once: each is in memory until it is checked.
FETCHES = 4


@dataclass
class Windows:
    """The windows of an order; shards that the window before has opened stay open."""

    store: PairStore
    order: Order
    masks: tuple[Mask, ...]
    batch_size: int
    threads: int  # 0: shards are opened in the caller's thread
    cache: ShardCache | None = None  # of remote shards; None: the default one

    def __post_init__(self) -> None:
        self._manifest = self.store.manifest(self.order.count)
        cache = None if self.store.shards.is_local else self.cache or ShardCache.default()
        self._files = ShardFiles(self.store, cache)
        self._shards: dict[int, OpenShard] = {}
        self._num_passed = 0  # indices since one was kept

    def kept(self, window: Window) -> Kept:
        """The rows of a window that are there to be read."""
        shard_size = self.store.shard_size
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
        store, content_of = self.store, self._manifest.content_digest
        return [
            # `vouched` says what is wrong with a record that is not the one that was frozen.
            record
            if record.content_digest == content_of(record.shard)
            else store.vouched(record.shard, content_of(record.shard))
            for record in store.records(numbers)
        ]

    def _opened(self, records: list[Record], *, holds_files: bool) -> list[OpenShard]:
        def opened(record: Record) -> OpenShard:
            return OpenShard(self._files, record, self.masks, holds_files=holds_files)

        if self._files.cache is None or self.threads == 0:
            return list(map(opened, records))
        with ThreadPoolExecutor(FETCHES) as pool:
            return list(pool.map(opened, records))

    def _holds_files(self, num_shards: int) -> bool:
        """Whether the windows that are read at one time may all keep their files open."""
        order, schema = self.order, self.store.schema
        num_windows = 3 + self.batch_size // (order.window * BLOCK)
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        num_files = num_windows * num_shards * len(schema.stored_fields)
        return allowed == resource.RLIM_INFINITY or num_files <= allowed // 2

    def _require_some(self, kept: Kept, num_indices: int) -> None:
        self._num_passed = 0 if len(kept) else self._num_passed + num_indices
        count = self.order.count
        # So many in a row hold a whole epoch, from any beginning.
        if self._num_passed >= 2 * count:
            raise ValueError(
                f"filters dropped all of the {count:,} indices; "
                "choose other masks or a milder threshold"
            )
