"""The shards of a split for a filter that judges the whole of it: one at a time, as often as it wants."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flows.progress import Meter
from storage.records import PairBatch
from storage.store import PairStore


@dataclass
class ShardsInTurn:
    """Verified shards with these contents; each reading is reported."""

    store: PairStore
    contents: Sequence[str]
    meter: Meter  # of the readings that the filter is expected to need
    _num_read: int = field(default=0, repr=False)

    def __len__(self) -> int:
        return len(self.contents)

    def read(self, shard: int) -> PairBatch:
        """The pairs of one shard as they are stored, in order of their index."""
        self.meter.at(min(self._num_read, self.meter.total))
        self._num_read += 1
        return self.store.pairs(shard, self.contents[shard])
