"""The card of a teacher that was trained here."""

from typing import Any

from flows.config.teacher_recipe import TeacherRecipe
from flows.stage import Run, StageResult
from kdm.datasets import described
from kdm.differential_privacy import (
    Claim,
    DifferentialPrivacy,
    claim_fields,
    claim_lines,
    stated_in,
)
from kdm.licences import hub_fields
from kdm.report.existing_card import CARD, front_of
from kdm.report.markdown import front_matter, inline, read_front_matter
from storage.folders import Folder
from storage.plugins import describe
from storage.yaml_text import yaml_text


def write_teacher_card(run: Run, teacher: TeacherRecipe, result: StageResult) -> None:
    """Write card.md next to a trained teacher's weights."""
    assert teacher.training is not None  # a closed-form teacher doesn't have a folder
    assert run.recipe.dataset is not None  # checked by the recipe
    front: dict[str, Any] = {
        "name": teacher.name,
        "digest": result.digest,
        "weights_sha256": result.facts["weights"],
        "parameters": result.facts["parameters"]["trainable"],
        **hub_fields(teacher.license or run.recipe.dataset.license),
    }
    settings = {
        "model": describe(teacher.model),
        "dataset": described(run.recipe.dataset),
        "training": teacher.training.identity(),
    }
    text = (
        f"{front_matter(front)}# {inline(teacher.name)}\n\n"
        f"A `{teacher.model.plugin}` teacher: a vector field that carries noise at T to data at 0. "
        "Its averaged weights are in `model.safetensors`, its losses in `losses.json`.\n\n"
        f"All that determines it:\n\n```yaml\n{yaml_text(settings, sort_keys=True)}```\n"
    )
    result.place.replace("card.md", text.encode())


def mark_claim(folder: Folder, claim: DifferentialPrivacy | None) -> None:
    """Say in the card of a teacher in files what a recipe states of its differential privacy."""
    if claim is None or not folder.exists(CARD) or stated_in(front_of(folder)) == claim:
        return
    text = folder.read(CARD).decode()
    front = read_front_matter(text)
    _, _, body = text.partition("\n---\n")
    old = claim_lines(_said(front))
    if old:
        body = body.replace("\n".join(old), "").rstrip("\n") + "\n"
    marked = {**front, **claim_fields(Claim(claim))}
    words = "\n".join(claim_lines(Claim(claim)))
    folder.replace(CARD, f"{front_matter(marked)}{body}\n{words}".encode())


def _said(front: dict[str, Any]) -> Claim | None:
    stated = stated_in(front)
    return Claim(stated) if stated else None
