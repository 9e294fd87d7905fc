"""Attempted, kept and dropped by reason: of a split as stored, and of a filter over it."""

from collections.abc import Sequence

from kdm.report.content import FilterCounts, SplitCounts
from storage.masks import Mask, read_audit, read_decision_summary, read_scores
from storage.store import PairStore


def split_counts(store: PairStore) -> SplitCounts:
    """What became of all indices of a split that were ever asked for."""
    attempted, kept = 0, 0
    dropped: dict[str, int] = {}
    for record in store.records(store.ledger.recorded()):
        attempted, kept = attempted + record.attempted, kept + record.kept
        for reason, rows in record.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + len(rows)
    return SplitCounts(store.split, attempted, kept, dict(sorted(dropped.items())))


def filter_counts(store: PairStore, mask: Mask, contents: Sequence[str]) -> FilterCounts:
    """One filter's decisions over the shards with these contents."""
    masks = store.base / "masks"
    summary = read_decision_summary(masks, mask)
    reasons = [row["reason"] for content in contents for row in read_audit(masks, mask, content)]
    judged = sum(len(read_scores(masks, mask.score, content)) for content in contents)
    return FilterCounts(
        filter=summary["filter"]["plugin"],
        split=store.split,
        judged=judged,
        kept=judged - len(reasons),
        dropped={reason: reasons.count(reason) for reason in sorted(set(reasons))},
        threshold=summary["threshold"],
        false_positive_rate=summary["fpr"],
    )
