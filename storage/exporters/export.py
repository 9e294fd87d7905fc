"""What every export shares: a description of what lies in the folder, and the pairs that go there.

`.export.json` is written first. It names the set, its content and the masks, so that a stopped export
goes on, and another one, under other masks for instance, never mixes with it. Readers that list a
folder by '*' do not see it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of, seal, unseal
from storage.errors import MismatchError
from storage.fs import Folder
from storage.masks import Mask, read_keep
from storage.records import Columns, PairBatch
from storage.store import PairStore

DESCRIPTION = ".export.json"
_MAX_DESCRIPTION = 2**20
# Each file is flushed to the disk or sent, which is waiting: the threads wait together.
_WRITERS, _FILES_AT_ONCE = 8, 64
Report = Callable[[int, int], None]  # done, total, in indices of the set


@dataclass(frozen=True)
class Chosen:
    """The pairs that are exported: the first `count` indices of a split that no mask drops."""

    store: PairStore
    count: int
    masks: Sequence[Mask] = ()

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
        keep = np.asarray(index < self.count)
        for mask in self.masks:
            keep &= read_keep(self.store.base / "masks", mask, content, num_rows=len(index))
        return keep

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


def claim(folder: Folder, wanted: Mapping[str, Any]) -> str:
    """Say what the folder is to hold; a `MismatchError` where anything else lies there.

    Returns the digest of that, which tells this export from every other.
    """
    folder.sweep()
    require_claimable(folder, wanted)
    folder.create(DESCRIPTION, seal(wanted))
    require_claimable(folder, wanted)  # another may have been faster
    return digest_of(wanted)


def require_claimable(folder: Folder, wanted: Mapping[str, Any]) -> None:
    """A `MismatchError` where a folder holds anything but what is wanted, or a part of it."""
    if not folder.exists(DESCRIPTION):
        if strange := folder.names():
            raise MismatchError(
                f"{folder.url} holds '{strange[0]}', which no export has put there; "
                "export to a folder of its own"
            )
        return
    data = folder.read(DESCRIPTION, at_most=_MAX_DESCRIPTION)
    there = unseal(data, f"{folder.url}/{DESCRIPTION}")
    differing = sorted(key for key in wanted if there.get(key) != wanted[key])
    if differing:
        raise MismatchError(
            f"{folder.url} holds an export of other {', '.join(differing)}; export to another "
            "folder, or remove this one first"
        )


def put(folder: Folder, name: str, data: bytes) -> None:
    """Make a file have these bytes; one that has them is left alone."""
    if folder.create(name, data):
        return
    if folder.size(name) != len(data) or folder.read(name) != data:
        folder.replace(name, data)


def put_each(folder: Folder, num: int, file: Callable[[int], tuple[str, bytes]]) -> int:
    """`put` many small files, each by its number: its name and bytes; returns `num`."""
    with ThreadPoolExecutor(_WRITERS) as pool:
        # Few at a time, so that an error ends it before much more is tried.
        for first in range(0, num, _FILES_AT_ONCE):
            rows = range(first, min(first + _FILES_AT_ONCE, num))
            list(pool.map(lambda row: put(folder, *file(row)), rows))
    return num


def as_floats(x_0: NDArray[Any]) -> NDArray[Any]:
    """Pictures in bytes as float32 in [−1, 1], u/127.5 − 1; floats as they are."""
    if x_0.dtype != np.uint8:
        return x_0
    return x_0.astype(np.float32) / np.float32(127.5) - np.float32(1)
