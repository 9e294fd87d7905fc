"""What every export shares: a description of what lies in the folder, and the pairs that go there.

`.export.json` is written first. It names the set, its content and the masks, so that a stopped export
goes on, and another one, under other masks for instance, never mixes with it. Readers that list a
folder by '*' do not see it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of, seal, unseal
from storage.errors import MismatchError
from storage.fs import Folder
from storage.masks import Mask, read_keep
from storage.records import PairBatch
from storage.store import PairStore

DESCRIPTION = ".export.json"
_MAX_DESCRIPTION = 2**20
Report = Callable[[int, int], None]  # done, total, in indices of the set


@dataclass(frozen=True)
class Chosen:
    """The pairs that are exported: the first `count` indices of a split that no mask drops."""

    store: PairStore
    count: int
    masks: Sequence[Mask] = ()

    def batches(self, report: Report | None = None) -> Iterator[PairBatch]:
        """Verified pairs in the order of their indices, a shard at a time."""
        for shard, content in enumerate(self.store.content_digests(self.count)):
            pairs = self.store.pairs(shard, content)
            keep = pairs.index < self.count
            for mask in self.masks:
                folder = self.store.base / "masks"
                keep &= read_keep(folder, mask, content, num_rows=len(pairs))
            yield pairs.take(keep)
            if report is not None:
                report(min((shard + 1) * self.store.shard_size, self.count), self.count)

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
    """Say what the folder is to hold; a `MismatchError` where anything else lies there.

    Returns the digest of that, which tells this export from every other.
    """
    folder.sweep()
    wanted = {"version": 1, **form, **chosen.describe()}
    if not folder.exists(DESCRIPTION):
        strange = folder.names()
        if strange:
            raise MismatchError(
                f"{folder.url} holds '{strange[0]}', which no export has put there; "
                "export to a folder of its own"
            )
        folder.create(DESCRIPTION, seal(wanted))
    data = folder.read(DESCRIPTION, at_most=_MAX_DESCRIPTION)
    there = unseal(data, f"{folder.url}/{DESCRIPTION}")
    differing = sorted(key for key in wanted if there.get(key) != wanted[key])
    if differing:
        raise MismatchError(
            f"{folder.url} holds an export of other {', '.join(differing)}; export to another "
            "folder, or remove this one first"
        )
    return digest_of(wanted)


def put(folder: Folder, name: str, data: bytes) -> None:
    """Make a file have these bytes; one that has them is left alone."""
    if folder.create(name, data):
        return
    if folder.size(name) != len(data) or folder.read(name) != data:
        folder.replace(name, data)


def as_floats(x_0: NDArray[Any]) -> NDArray[Any]:
    """Pictures in bytes as float32 in [−1, 1], u/127.5 − 1; floats as they are."""
    if x_0.dtype != np.uint8:
        return x_0
    return x_0.astype(np.float32) / np.float32(127.5) - np.float32(1)
