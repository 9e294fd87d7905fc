"""Files of a set that nothing will ever read: left behind by killed writers, or superseded.

Only files whose names our writers make: a user's notes in a set's folder are the user's.
"""

import contextlib
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from storage.care.fault import Kind
from storage.care.inventory import Inventory, is_claim
from storage.care.verify_masks import stray_kind
from storage.errors import DamageError
from storage.folders import Folder
from storage.folders.temporary import is_abandoned, is_temporary
from storage.folders.walk import walked
from storage.store import PairStore

GRACE_SECONDS = (
    3600.0  # a writer records a shard seconds after its file: an hour is far beyond that
)
_WHY: dict[Kind, str] = {
    "unrecorded": "a shard's file without a record",
    "duplicate": "a second file of a shard, which no record names",
    "extra": "about a shard that isn't there",
}


class Waste(NamedTuple):
    """One file that may go."""

    file: str  # below the set's folder
    num_bytes: int
    why: str


def waste_of(store: PairStore, *, older_than: float = GRACE_SECONDS) -> list[Waste]:
    """Files of one split in one layout that no record or manifest names, and that are old enough (seconds).

    Raises DamageError if a record or manifest can't be read: it may name any of them.
    """
    found = Inventory.of(store)
    files, before = dict(found.left), time.time() - older_than
    # A generator renews its claims as long as it lives.
    unclaimed_since = time.time() - max(older_than, GRACE_SECONDS)
    _take_in_ledger(found)
    return [
        Waste(f"{store.split}/{store.layout}/{name}", files[name].num_bytes, why)
        for name, why in _strays(found)
        # 0: the file system does not say
        if 0 < files[name].modified_at <= (unclaimed_since if is_claim(name) else before)
    ]


def temporary_files(folder: Folder, *, older_than: float = GRACE_SECONDS) -> list[Waste]:
    """What killed writers left half-written: of dead writers here, and all old enough.

    Only names as our own writers make them: another program's `.tmp-notes` is left alone.
    """
    if not folder.is_local:
        return []
    root, before = folder.local_path(), time.time() - older_than
    paths = [Path(place, name) for place, names in walked(root) for name in names]
    found = []
    for path in sorted(path for path in paths if is_temporary(path.name)):
        with contextlib.suppress(FileNotFoundError):  # its writer lives, and has just finished
            status = path.lstat()
            is_file = stat.S_ISREG(status.st_mode)
            if is_file and (is_abandoned(path.name) or status.st_mtime <= before):
                name = path.relative_to(root).as_posix()
                found.append(Waste(name, status.st_size, "left half-written"))
    return found


def _take_in_ledger(found: Inventory) -> None:
    shards, sizes = found.numbers("records"), found.numbers("manifests")
    for _ in found.records(shards):
        pass  # each is taken in as it is read
    if sizes:  # without, a set was begun and not ended, and its records alone speak
        found.manifests(sizes)
    if found.faults:
        raise DamageError(
            f"{len(found.faults)} records or manifests of {found.store.base.url} are damaged, so "
            "their shards can't be told apart from waste; run 'kdm pairs repair' first "
            f"({found.faults[0].sentence})"
        )


def _strays(found: Inventory) -> Iterator[tuple[str, str]]:
    """Files that are left over, by their names below the split, each with the reason."""
    for name in found.store.files.metadata(1):
        found.left.pop(f"shards/{name}", None)
    contents = found.judged_shards()
    for name in [name for name in found.left if name.startswith("masks/")]:
        kind = stray_kind(name.removeprefix("masks/"), contents)
        del found.left[name]
        if kind is not None and kind in _WHY:
            yield name, _WHY[kind]
    for name in [name for name in found.left if is_claim(name)]:
        del found.left[name]
        yield name, "a claim on a shard that nobody renews"
    found.leftovers()
    base = f"{found.store.split}/{found.store.layout}/"
    for fault in found.faults:
        if fault.kind in _WHY:
            yield fault.file.removeprefix(base), _WHY[fault.kind]
