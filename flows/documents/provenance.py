"""What became of the pairs of a judged set: by split, and by filter."""

from flows.documents.counts import fate_of_split
from flows.documents.mask_counts import filter_counts
from flows.judged_pairs import contents, masks_in, open_split
from flows.stage import Run, StageResult
from kdm.report.content import FilterCounts, SplitCounts
from storage.store import PairStore


def fates_of_splits(run: Run, judged: StageResult) -> tuple[SplitCounts, ...]:
    """Attempted, kept, masked, and dropped by reason, of each split."""
    return tuple(
        fate_of_split(store, masks_in(judged), contents(run, store))
        for store in _stores(run, judged)
    )


def counts_of_filters(run: Run, judged: StageResult) -> tuple[FilterCounts, ...]:
    """What each filter decided over each split."""
    return tuple(
        filter_counts(store, mask, contents(run, store))
        for mask in masks_in(judged)
        for store in _stores(run, judged)
    )


def _stores(run: Run, judged: StageResult) -> list[PairStore]:
    return [open_split(run, judged, split) for split in ("train", "heldout")]
