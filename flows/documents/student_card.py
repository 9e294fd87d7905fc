"""The card of a student that was measured."""

from typing import Any

from flows.documents.dp_claims import claim_of_student
from flows.documents.numbers import entry, judge_of, references
from flows.documents.reproduction import reproduction
from flows.documents.started_from import started_from
from flows.stage import Run, StageResult
from kdm.evaluate.evaluate import meanings_of
from kdm.report.card import StudentCard, student_card
from storage.digest import short
from storage.plugins import describe
from storage.records import PairSchema


def write_card(
    run: Run,
    judged: StageResult,
    student: StageResult,
    document: dict[str, Any],
    schema: PairSchema,
) -> None:
    """Write card.md next to the student's numbers."""
    recipe = run.recipe.student(student.facts["student"])
    card = StudentCard(
        student=entry(document, describe(recipe.model)),
        plugin=recipe.model.plugin,
        teacher=run.recipe.teacher.name if run.recipe.teacher else run.recipe.pairs.name,
        pairs=document["pairs"],
        references=references(document),
        num_heldout=document["num_heldout"],
        num_fresh=document["num_fresh"],
        address=f"students/{recipe.name}-{short(student.digest)}",
        licence=run.recipe.licence(),
        command=reproduction(run, [recipe.name]).line,
        has_picture=student.place.exists("samples.png"),
        judge=judge_of(document),
        num_classes=schema.label.num_classes if schema.label else 0,
        claim=claim_of_student(run, judged),
        teacher_weights=started_from(student.place),
        finished=recipe.finished,
    )
    text = student_card(card, meanings_of(run.recipe.evaluation.metrics))
    student.place.replace("card.md", text.encode())
