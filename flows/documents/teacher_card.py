"""The card of a teacher that was trained here."""

from typing import Any

from flows.config.teacher_recipe import TeacherRecipe
from flows.stage import Run, StageResult
from kdm.datasets import described
from kdm.licences import hub_fields
from kdm.report.markdown import front_matter, inline
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
        "training": teacher.training.model_dump(mode="json"),
    }
    text = (
        f"{front_matter(front)}# {inline(teacher.name)}\n\n"
        f"A `{teacher.model.plugin}` teacher: a vector field that carries noise at T to data at 0. "
        "Its averaged weights are in `model.safetensors`, its losses in `losses.json`.\n\n"
        f"All that determines it:\n\n```yaml\n{yaml_text(settings, sort_keys=True)}```\n"
    )
    result.place.replace("card.md", text.encode())
