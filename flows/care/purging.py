"""Purges a set: only one that is sound, and that nobody is making or purging at the same time."""

from collections.abc import Callable, Sequence

from flows.claim_file import has_died
from flows.documents.set_card import write_set_card
from flows.generation.shard_claims import holders
from flows.stages.claim import claimed
from storage.care.purge import finish_purge, forget_purged
from storage.care.purge_journal import begin_purge
from storage.care.purge_plan import Plan
from storage.care.verify import Report, faults
from storage.errors import StoreError
from storage.folders import Folder
from storage.store import PairStore

_HARMLESS = ("unrecorded", "duplicate", "extra", "foreign")


def require_quiet(folder: Folder, stores: Sequence[PairStore]) -> None:
    """Raise a StoreError if a generator that may live has claimed shards of the set."""
    for store in stores:
        if any(not has_died(claim) for claim in holders(store).values()):
            raise StoreError(
                f"shards of {store.base.url} are being made; see 'kdm pairs who {folder.name}', wait for "
                "the end, then purge"
            )


def require_sound(store: PairStore, report: Report) -> None:
    """Raise a StoreError if a shard can't be read: found half-way, it would keep the set closed."""
    wrong = [fault for fault in faults(store, report=report) if fault.kind not in _HARMLESS]
    if wrong:
        raise StoreError(
            f"{store.base.url} has {len(wrong)} faults ({wrong[0].sentence}); run 'kdm pairs repair "
            f"{store.folder.name}' first: nothing was purged"
        )


def purge(
    folder: Folder,
    stores: Sequence[PairStore],
    plan: Plan | None,
    *,
    report: Report,
    say: Callable[[str], None],
) -> None:
    """Remove what a plan lists, or without one go on with the purge that was begun; draw the card again."""
    what = f"purging {folder.name}"
    with claimed(folder, what, is_there=lambda: False, say=say):
        if plan is not None:
            begin_purge(folder, stores, plan)
        finish_purge(folder, stores, report=report)
    write_set_card(folder)


def tidy_after_purges(folder: Folder, stores: Sequence[PairStore]) -> None:
    """What a purge leaves to its last moments, once more: this machine's cache, and the card."""
    forget_purged(folder, stores)
    folder.sweep()
    write_set_card(folder)
