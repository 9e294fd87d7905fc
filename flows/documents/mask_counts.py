"""Counts the pairs that filters' decisions leave out."""

from collections.abc import Sequence

from flows.documents.calibration_words import calibration_words, unsure_rate
from kdm.report.content import FilterCounts
from storage.mask_documents import decisions_of
from storage.masks import (
    Mask,
    judged,
    read_audit,
    read_decision_summary,
    read_keeps,
    read_scores,
)
from storage.store import PairStore


def num_masked(store: PairStore, masks: Sequence[Mask], content: str, *, num_rows: int) -> int:
    """The number of stored rows of a shard that at least one mask leaves out."""
    keep = read_keeps(store.base / "masks", masks, content, num_rows=num_rows)
    return int((~keep).sum())


def masked_by_decision(store: PairStore) -> list[int]:
    """How many pairs each decision over this split leaves out, fewest first."""
    folder, records = store.base / "masks", list(store.records(store.ledger.recorded()))
    found = []
    for mask in decisions_of(folder):
        there = judged(folder, mask)
        found.append(
            sum(
                num_masked(store, [mask], each.content_digest, num_rows=each.kept)
                for each in records
                if each.content_digest in there
            )
        )
    return sorted(found)


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
        calibration=calibration_words(summary),
    )


def rate_warnings(store: PairStore, mask: Mask) -> list[str]:
    """A sentence if few samples calibrated this decision for the rate that was asked for."""
    warning = unsure_rate(read_decision_summary(store.base / "masks", mask))
    return [warning] if warning else []


def masked_words(decided: Sequence[FilterCounts]) -> str:
    """'filter near-copy at threshold 0.0012 (false-positive rate 1.00%): 21 of 2,000 train masked'."""
    masked = [f"{each.judged - each.kept:,} of {each.judged:,} {each.split}" for each in decided]
    first = decided[0]
    return (
        f"filter {first.filter} at threshold {first.threshold:.6g} "
        f"(false-positive rate {first.stated_rate}): {' and '.join(masked)} pairs masked"
    )
