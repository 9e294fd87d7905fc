"""Where a report's numbers come from: what became of the pairs, the set's ancestors, and its machine."""

from collections.abc import Sequence

from flows.documents.counts import fate_of_split
from flows.documents.mask_counts import filter_counts
from flows.judged_pairs import contents, masks_in, open_split
from flows.stage import Run, StageResult
from kdm.report.content import Ancestor, FilterCounts, SplitCounts


def fates(
    run: Run, judged: StageResult
) -> tuple[tuple[SplitCounts, ...], tuple[FilterCounts, ...]]:
    """What became of each split's pairs, and what each filter decided over each split."""
    masks = masks_in(judged)
    stores = [open_split(run, judged, split) for split in ("train", "heldout")]
    splits = tuple(fate_of_split(store, masks, contents(run, store)) for store in stores)
    filters = tuple(
        filter_counts(store, mask, contents(run, store)) for mask in masks for store in stores
    )
    return splits, filters


def lineage(judged: StageResult, evaluated: Sequence[StageResult]) -> tuple[Ancestor, ...]:
    """Teacher, pairs, masks and students by their digests."""
    teacher = judged.facts.get("teacher")
    ancestors = [Ancestor("teacher", *teacher)] if teacher else []
    ancestors.append(Ancestor("pairs", judged.name, judged.facts["of"]))
    ancestors += [Ancestor("mask", "decision", mask.decision) for mask in masks_in(judged)]
    ancestors += [
        Ancestor("student", student.facts["student"], student.facts["student_digest"])
        for student in evaluated
    ]
    return tuple(ancestors)


def environment(run: Run, judged: StageResult) -> dict[str, str]:
    """What the first shard was made in."""
    record = open_split(run, judged, "train").record(0)
    return {name: str(value) for name, value in sorted(record.environment.items())}
