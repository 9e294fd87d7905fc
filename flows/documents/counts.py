"""Attempted, kept and dropped by reason: of a split as stored, and of a filter over it."""

from collections.abc import Sequence

from flows.documents.mask_counts import num_masked
from kdm.report.content import SplitCounts
from storage.masks import Mask
from storage.store import PairStore


def split_counts(store: PairStore) -> SplitCounts:
    """What became of all indices of a split that were ever attempted."""
    attempted, kept = 0, 0
    dropped: dict[str, int] = {}
    for record in store.records(store.ledger.recorded()):
        attempted, kept = attempted + record.attempted, kept + record.kept
        for reason, rows in record.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + len(rows)
    return SplitCounts(store.split, attempted, kept, dict(sorted(dropped.items())))


def fate_of_split(store: PairStore, masks: Sequence[Mask], contents: Sequence[str]) -> SplitCounts:
    """The same of the shards with these contents, less the pairs that any of these masks leaves out."""
    attempted, stored, masked = 0, 0, 0
    dropped: dict[str, int] = {}
    for record, content in zip(store.records(range(len(contents))), contents, strict=True):
        attempted, stored = attempted + record.attempted, stored + record.kept
        masked += num_masked(store, masks, content, num_rows=record.kept)
        for reason, rows in record.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + len(rows)
    return SplitCounts(
        store.split, attempted, stored - masked, dict(sorted(dropped.items())), masked
    )
