"""Claims on single shards, `SPLIT/LAYOUT/claims/000012.json`: generators of one set share its shards by them.

A claim only saves work. A shard that two processes make all the same is written once: both have the same
bytes, and the record is created exclusively (docs/store.md, 'Two writers').
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from flows.claim_file import (
    BEATS_IN_SPAN,
    Claim,
    ClaimFile,
    claim_span,
    has_died,
    is_claim,
    own_claim,
)
from storage.errors import StoreError
from storage.folders import Folder
from storage.shard_record import record_name
from storage.store import CLAIMS, PairStore


@dataclass
class ShardClaims:
    """The claims of this process on shards of one split, renewed until the end of the `with`."""

    store: PairStore
    note: dict[str, Any] = field(default_factory=dict)  # for those who look: shards wanted, engine
    _held: dict[int, Claim] = field(default_factory=dict)
    # What others' claims looked like, and since when, by this process's own clock.
    _seen: dict[int, tuple[Claim, float]] = field(default_factory=dict)
    _has_ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._has_ended.clear()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._has_ended.set()
        self._beating.join()
        for shard in list(self._held):
            self.release(shard)
        _remove_empty(self.store)

    def taken(self, shards: Iterable[int]) -> Iterator[int]:
        """Those of the shards that are now this process's to make: missing, and nobody else is at them."""
        for shard in shards:
            if not self._take(shard):
                continue
            if self.store.is_there(shard):  # made since it was listed as missing
                self.release(shard)
                continue
            yield shard

    def freed(self, shards: Iterable[int]) -> list[int]:
        """Those of the shards that nobody is at; claims of owners that died or fell silent are removed.

        For whoever hands shards to others: a worker that has just started can't know how long an owner
        has been silent.
        """
        held = holders(self.store)
        for shard, holder in list(held.items()):
            if self._is_over(shard, holder):
                self._file(shard).remove()
                del held[shard]
        return [shard for shard in shards if shard not in held]

    def release(self, shard: int) -> None:
        """Give up a shard that is written, or won't be."""
        with self._lock:
            own = self._held.pop(shard, None)
        if own is not None:
            self._file(shard).give_up(own)

    def _take(self, shard: int) -> bool:
        file, own = self._file(shard), own_claim(**self.note)
        try:
            is_taken = file.create(own)
            if not is_taken:
                holder = file.holder()
                is_taken = holder is not None and self._is_over(shard, holder)
                is_taken = is_taken and file.take_over(own)
        except (StoreError, OSError):  # a full disk may fail after the file is in its place
            file.give_up(own)
            raise
        if is_taken:
            with self._lock:
                self._held[shard] = own
        return is_taken

    def _is_over(self, shard: int, holder: Claim) -> bool:
        """Whether the holder has died, or has given no sign of life for the span."""
        if not is_claim(holder) or has_died(holder):
            return True
        now = time.monotonic()
        before, since = self._seen.get(shard, (None, now))
        if holder != before:
            self._seen[shard] = (holder, now)
            return False
        return now - since > claim_span()

    def _beat(self) -> None:
        num_beats = 0
        while not self._has_ended.wait(claim_span() / BEATS_IN_SPAN):
            num_beats += 1
            with self._lock:
                held = dict(self._held)
            for shard, own in held.items():
                self._file(shard).renew(own, num_beats)

    def _file(self, shard: int) -> ClaimFile:
        return ClaimFile(self.store.base / CLAIMS, record_name(shard))


def holders(store: PairStore) -> dict[int, Claim]:
    """Who claims which shard, rising by shard; files that aren't claims are left out."""
    folder, found = store.base / CLAIMS, {}
    for name in folder.names():
        stem = name.removesuffix(".json")
        if stem.isascii() and stem.isdecimal() and record_name(int(stem)) == name:
            holder = ClaimFile(folder, name).holder()
            if holder is not None and is_claim(holder):
                found[int(stem)] = holder
    return dict(sorted(found.items()))


def end_claims(store: PairStore) -> None:
    """Remove all claims of a split whose shards are all there: nobody needs them."""
    with suppress(StoreError, OSError):  # a read-only home keeps them, which is harmless
        if store.base.exists(CLAIMS):
            store.base.remove(CLAIMS)


def _remove_empty(store: PairStore) -> None:
    """Remove the folders that only claims had made."""
    if not store.base.is_local:
        return
    folders: list[Folder] = [store.base / CLAIMS, store.base, store.folder / store.split]
    with suppress(OSError):  # one that holds anything stays, and those above it
        for folder in [*folders, store.folder]:
            folder.local_path().rmdir()
