"""From a home's files to what the report page says."""

from collections.abc import Sequence
from datetime import UTC, datetime

import torch

from flows.config.wishes import missing_words
from flows.documents.evaluated_samples import teacher_samples
from flows.documents.numbers import (
    entry,
    judge_of,
    references,
    require_one_protocol,
    settings_of,
)
from flows.documents.provenance import environment, fates, lineage
from flows.documents.rates import budget, rates
from flows.documents.report_pictures import filter_scores, results, teacher_losses
from flows.documents.reproduction import reproduction
from flows.stage import Run, StageResult
from kdm.report.content import ReportContent
from kdm.report.figures import galleries


def report_content(
    run: Run, judged: StageResult, evaluated: Sequence[StageResult]
) -> ReportContent:
    """All that the page of these students says; a ValueError if their numbers have several protocols."""
    require_one_protocol([student.facts for student in evaluated])
    torch.set_num_threads(1)  # as its numbers were measured
    teacher = teacher_samples(run, judged, needs=frozenset())
    first = evaluated[0].facts
    splits, filters = fates(run, judged)
    names = [student.facts["student"] for student in evaluated]
    made_again = reproduction(run, names)
    finished = " ".join(filter(None, (run.recipe.student(name).finished for name in names)))
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
        judge=" ".join(filter(None, (judge_of(first), missing_words(run.recipe), finished))),
        rates=rates(judged, evaluated),
        budgets=tuple(budget(run, student) for student in evaluated),
        splits=splits,
        filters=filters,
        lineage=lineage(judged, evaluated),
        environment=environment(run, judged),
    )
