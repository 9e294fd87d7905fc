"""Restores the damaged parts of a set: from its own files, from another layout, or with its teacher."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from flows.care.mend_audit import mend_audit
from flows.care.sources import Sources
from storage.care.fault import Fault
from storage.care.put_back import put_back, refreeze
from storage.care.salvage import from_other_layout, from_own_files, siblings
from storage.care.spans import frozen_indices
from storage.care.verify import Report
from storage.care.wanted import Wanted, wanted_shards
from storage.errors import StoreError
from storage.store import PairStore

LEFT_TO_GC = ("unrecorded", "duplicate", "extra", "foreign")


@dataclass
class Repaired:
    """What happened to a split's faults, in sentences."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def attempt(self, what: str, fix: Callable[[], str]) -> None:
        """Fix one thing, and note the result."""
        try:
            self.done.append(f"{what}: {fix()}")
        except (StoreError, ValueError) as error:
            self.failed.append(f"{what}: {error}")


def planned(store: PairStore, found: Sequence[Fault]) -> list[str]:
    """What `repair` would do about these faults, one line each; nothing is changed."""
    lines = [f"shard {each.shard}: restored" for each in wanted_shards(store, found)]
    lines += [f"{fault.file}: restored" for fault in found if _is_of_set(store, fault)]
    lines += [f"{fault.file}: restored" for fault in found if _is_audit(store, fault)]
    return lines + [
        f"{fault.file}: removed; filter-pairs makes it again" for fault in found if _is_mask(fault)
    ]


def repair(store: PairStore, found: Sequence[Fault], sources: Sources, report: Report) -> Repaired:
    """Fix these faults; what can't be fixed is reported, and left untouched."""
    result = Repaired()
    wanted = wanted_shards(store, found)
    for done, each in enumerate(wanted):
        report(done, len(wanted))
        result.attempt(f"shard {each.shard}", partial(_mend_shard, store, each, sources))
    report(len(wanted), len(wanted))
    for fault in found:
        if _is_audit(store, fault):
            result.attempt(fault.file, partial(mend_audit, store, fault, sources))
    if not result.failed and any(_is_of_set(store, fault) for fault in found):
        result.done += refreeze(store, found)
        if sizes := store.ledger.sizes():  # empty if nothing was ever recorded
            store.commit(frozen_indices(store, max(sizes)))
    for fault in filter(_is_mask, found):
        store.folder.remove(fault.file)
        result.done.append(f"{fault.file}: removed; run filter-pairs to restore it")
    return result


def _mend_shard(store: PairStore, wanted: Wanted, sources: Sources) -> str:
    remade = from_own_files(store, wanted) or from_other_layout(store, wanted, siblings(store))
    if remade is None:
        try:
            remade = sources.remake(store, wanted)
        except (StoreError, ValueError):
            remade = from_own_files(store, wanted, is_last_resort=True)
            if remade is None:
                raise
    put_back(store, wanted, remade)
    return f"restored from {remade.origin}"


def _is_mask(fault: Fault) -> bool:
    return "/masks/" in fault.file and fault.kind not in (*LEFT_TO_GC, "missing")


def _is_audit(store: PairStore, fault: Fault) -> bool:
    is_audit = fault.file.startswith(f"{store.split}/{store.layout}/audit/")
    return is_audit and fault.kind not in LEFT_TO_GC


def _is_of_set(store: PairStore, fault: Fault) -> bool:
    """Whether it is a manifest, or a file of the layout over the whole set."""
    base = f"{store.split}/{store.layout}"
    is_metadata = fault.file.startswith(f"{base}/shards/") and fault.shard is None
    return fault.kind not in LEFT_TO_GC and (
        is_metadata or fault.file.startswith(f"{base}/manifests")
    )
