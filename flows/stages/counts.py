"""Attempted, kept and dropped by reason: of a split as stored, and of a filter over it."""

from flows.stages.reading import contents
from flows.stages.run import Run
from kdm.report.content import FilterCounts, SplitCounts
from storage.masks import Mask, read_audit, read_decision_summary, read_scores
from storage.store import PairStore


def split_counts(store: PairStore) -> SplitCounts:
    """What became of all indices of a split that were ever asked for."""
    records = [store.record(shard) for shard in range(len(store.records_folder.names()))]
    reasons = sorted({reason for record in records for reason in record.dropped})
    return SplitCounts(
        split=store.split,
        attempted=sum(record.attempted for record in records),
        kept=sum(record.kept for record in records),
        dropped={
            reason: sum(len(record.dropped.get(reason, ())) for record in records)
            for reason in reasons
        },
    )


def filter_counts(run: Run, store: PairStore, mask: Mask) -> FilterCounts:
    """One filter's decisions over a split."""
    masks, shards = store.base / "masks", contents(run, store)
    summary = read_decision_summary(masks, mask)
    reasons = [row["reason"] for content in shards for row in read_audit(masks, mask, content)]
    judged = sum(len(read_scores(masks, mask.score, content)) for content in shards)
    return FilterCounts(
        filter=summary["filter"]["plugin"],
        split=store.split,
        judged=judged,
        kept=judged - len(reasons),
        dropped={reason: reasons.count(reason) for reason in sorted(set(reasons))},
        threshold=summary["threshold"],
        false_positive_rate=summary["fpr"],
    )
