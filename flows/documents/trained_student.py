"""Writes a trained student's metrics.json and card.md; `evaluate` replaces them later."""

from typing import Any

from flows.config.student_recipe import StudentRecipe
from flows.documents.dp_claims import claim_of_student
from flows.documents.measured import read_metrics
from flows.documents.reproduction import reproduction
from flows.documents.started_from import started_from
from flows.stage import Run, StageResult
from kdm.report.training_card import TrainingCard, training_card
from kdm.trained import LOSSES, PICTURES
from storage.digest import seal, short, unseal
from storage.folders import Folder

CARD, METRICS = "card.md", "metrics.json"


def tell_training(
    run: Run, judged: StageResult, student: StudentRecipe, trained: StageResult
) -> None:
    """Write both next to the weights, unless a card or measured numbers exist; the card comes last."""
    folder = trained.place
    standing = read_metrics(folder)
    if folder.exists(CARD) or "values" in (standing or {}):
        return
    document = _document(folder, judged.name, student, trained)
    if standing is None:
        folder.replace(METRICS, seal(document))
    folder.replace(CARD, training_card(_card(run, judged, folder, student, document)).encode())


def _document(
    folder: Folder, pairs: str, student: StudentRecipe, trained: StageResult
) -> dict[str, Any]:
    history = unseal(folder.read(LOSSES), f"{folder.url}/{LOSSES}")["losses"]
    last = history[-1]["losses"] if history else {}  # empty if every step was skipped
    return {
        "identity": trained.digest,
        "student": student.name,
        "student_digest": trained.digest,
        "pairs": pairs,
        "parameters": trained.facts["parameters"],
        "num_steps": student.trainings[-1].num_steps,
        "losses": last,
    }


def _card(
    run: Run,
    judged: StageResult,
    folder: Folder,
    student: StudentRecipe,
    document: dict[str, Any],
) -> TrainingCard:
    pictures = (folder / PICTURES).names()
    return TrainingCard(
        name=student.name,
        digest=document["student_digest"],
        plugin=student.model.plugin,
        pairs=document["pairs"],
        num_steps=document["num_steps"],
        batch_size=student.trainings[-1].batch_size,
        finished=student.finished,
        losses=document["losses"],
        num_trainable_parameters=document["parameters"]["trainable"],
        num_inference_parameters=document["parameters"]["inference"],
        command=reproduction(run, [student.name], command="evaluate").line,
        address=f"students/{student.name}-{short(document['student_digest'])}",
        licence=run.recipe.licence(),
        picture=f"{PICTURES}/{pictures[-1]}" if pictures else None,
        claim=claim_of_student(run, judged),
        teacher_weights=started_from(folder),
    )
