"""What every export shares: the pairs that it writes, and its claim on the folder that they go to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of
from storage.exporters.claim import claim
from storage.folders import Folder
from storage.masks import Mask, read_keeps
from storage.records import Columns, PairBatch
from storage.store import PairStore

Report = Callable[[int, int], None]  # done, total, in indices of the set


@dataclass(frozen=True)
class Chosen:
    """The pairs that are exported: the first `count` indices of a split that no mask drops."""

    store: PairStore
    count: int
    masks: Sequence[Mask] = ()

    @classmethod
    def of(cls, store: PairStore, count: int, masks: Sequence[Mask] | None = None) -> "Chosen":
        """By these masks, () for none; by default the only filter decision there is."""
        return cls(store, count, store.masks(masks))

    def batches(self, report: Report | None = None) -> Iterator[PairBatch]:
        """Verified pairs in the order of their indices, a shard at a time."""
        return map(self.store.batch, self.columns(report))

    def columns(self, report: Report | None = None) -> Iterator[Columns]:
        """What is stored of these pairs, without noise that would be derived."""
        for shard, content in enumerate(self.store.content_digests(self.count)):
            columns = self.store.columns(shard, content)
            keep = self._keep(content, columns["index"])
            yield {name: column[keep] for name, column in columns.items()}
            if report is not None:
                report(min((shard + 1) * self.store.shard_size, self.count), self.count)

    def num_pairs(self) -> int:
        """How many they are, by records and masks alone."""
        total = 0
        for shard, content in enumerate(self.store.content_digests(self.count)):
            index = np.array(self.store.vouched(shard, content).kept_indices(), np.int64)
            total += int(self._keep(content, index).sum())
        return total

    def _keep(self, content: str, index: NDArray[np.int64]) -> NDArray[np.bool_]:
        masks = self.store.base / "masks"
        keep = read_keeps(masks, self.masks, content, num_rows=len(index))
        return keep & (index < self.count)

    def describe(self) -> dict[str, Any]:
        """What determines these pairs."""
        return {
            "spec_digest": self.store.spec_digest,
            "split": self.store.split,
            "count": self.count,
            "contents": digest_of(self.store.content_digests(self.count)),
            "masks": [mask.model_dump() for mask in self.masks],
        }


def begin(folder: Folder, chosen: Chosen, form: Mapping[str, Any]) -> str:
    """`claim` a folder for these pairs in this form."""
    return claim(folder, {"version": 1, **form, **chosen.describe()})
