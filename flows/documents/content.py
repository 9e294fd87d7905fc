"""From a home's files to what the report page says."""

from collections.abc import Sequence
from datetime import UTC, datetime

import torch

from flows.documents.counts import fate_of_split
from flows.documents.evaluated_samples import teacher_samples
from flows.documents.mask_counts import filter_counts
from flows.documents.numbers import entry, judge_of, references, settings_of
from flows.documents.rates import budget, rates
from flows.documents.report_pictures import filter_scores, results, teacher_losses
from flows.documents.reproduction import reproduction
from flows.judged_pairs import contents, masks_in, open_split
from flows.stage import Run, StageResult
from kdm.report.content import (
    Ancestor,
    ReportContent,
)
from kdm.report.figures import galleries
from storage.store import PairStore


def report_content(
    run: Run, judged: StageResult, evaluated: Sequence[StageResult]
) -> ReportContent:
    """All that the page of these students says."""
    torch.set_num_threads(1)  # as its numbers were measured
    teacher = teacher_samples(run, judged, needs=frozenset())
    first = evaluated[0].facts
    made_again = reproduction(run, [student.facts["student"] for student in evaluated])
    return ReportContent(
        title=run.recipe.title,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=made_again.line,
        command_notes=made_again.notes,
        num_heldout=first["num_heldout"],
        num_fresh=first["num_fresh"],
        references=references(first),
        students=tuple(
            entry(student.facts, settings_of(run, student.facts["student"]))
            for student in evaluated
        ),
        galleries=galleries(
            [results(run, student, teacher) for student in evaluated],
            teacher_losses=teacher_losses(run, judged),
            filters=filter_scores(run, judged),
        ),
        teacher=run.recipe.teacher.name if run.recipe.teacher else "teacher",
        judge=judge_of(first),
        rates=rates(judged, evaluated),
        budgets=tuple(budget(run, student) for student in evaluated),
        splits=tuple(
            fate_of_split(store, masks_in(judged), contents(run, store))
            for store in _stores(run, judged)
        ),
        filters=tuple(
            filter_counts(store, mask, contents(run, store))
            for mask in masks_in(judged)
            for store in _stores(run, judged)
        ),
        lineage=_lineage(judged, evaluated),
        environment=_environment(run, judged),
    )


def _stores(run: Run, judged: StageResult) -> list[PairStore]:
    return [open_split(run, judged, split) for split in ("train", "heldout")]


def _lineage(judged: StageResult, evaluated: Sequence[StageResult]) -> tuple[Ancestor, ...]:
    teacher = judged.facts.get("teacher")
    ancestors = [Ancestor("teacher", *teacher)] if teacher else []
    ancestors.append(Ancestor("pairs", judged.name, judged.facts["of"]))
    ancestors += [Ancestor("mask", "decision", mask.decision) for mask in masks_in(judged)]
    ancestors += [
        Ancestor("student", student.facts["student"], student.facts["student_digest"])
        for student in evaluated
    ]
    return tuple(ancestors)


def _environment(run: Run, judged: StageResult) -> dict[str, str]:
    record = open_split(run, judged, "train").record(0)
    return {name: str(value) for name, value in sorted(record.environment.items())}
