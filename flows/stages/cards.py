"""The cards of teachers and pairs: what lies in a folder, for people and for the Hub."""

from typing import Any

import yaml

from flows.recipe import TeacherRecipe
from flows.stages.counts import filter_counts, split_counts
from flows.stages.reading import masks_in, open_split
from flows.stages.run import Run, StageResult
from kdm.analyze.sample_plots import pairs_picture
from kdm.report.card import PairsCard, pairs_card
from storage.fs import Folder
from storage.plugins import describe

# Points in a set's picture; more hide one another.
NUM_SHOWN = 4096


def write_pairs_card(run: Run, judged: StageResult) -> None:
    """Write card.md and, for points of the plane, pairs.png, unless the card is as it would be."""
    folder = Folder.at(judged.folder)
    stores = [open_split(run, judged, split) for split in ("train", "heldout")]
    card = PairsCard(
        name=judged.name,
        digest=stores[0].spec_digest,
        teacher=run.recipe.teacher.name if run.recipe.teacher else "an unknown teacher (imported)",
        spec=dict(stores[0].spec),
        splits=tuple(split_counts(store) for store in stores),
        filters=tuple(
            filter_counts(run, store, mask) for mask in masks_in(judged) for store in stores
        ),
        address=f"pairs/{judged.name}",
    )
    text = pairs_card(card).encode()
    if folder.exists("card.md") and folder.read("card.md") == text:
        return
    if stores[0].schema.shape == (2,):
        count = min(NUM_SHOWN, run.recipe.pairs.train)
        shown = stores[0].load(count, masks_in(judged)).pairs
        # A filter may have dropped them all; whoever reads the set is told so.
        if len(shown):
            folder.replace("pairs.png", pairs_picture(shown.x_T, shown.x_0))
    folder.replace("card.md", text)


def write_teacher_card(run: Run, teacher: TeacherRecipe, result: StageResult) -> None:
    """Write card.md beside a trained teacher's weights."""
    assert teacher.training is not None  # a teacher known in closed form has no folder
    assert run.recipe.dataset is not None  # checked by the recipe
    front: dict[str, Any] = {
        "name": teacher.name,
        "digest": result.digest,
        "weights_sha256": result.facts["weights"],
        "parameters": result.facts["parameters"]["trainable"],
        "license": "apache-2.0",
    }
    settings = {
        "model": describe(teacher.model),
        "dataset": run.recipe.dataset.model_dump(mode="json"),
        "training": teacher.training.model_dump(mode="json"),
    }
    text = (
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n# {teacher.name}\n\n"
        f"A `{teacher.model.plugin}` teacher: a vector field that carries noise at T to data at 0. "
        "Its averaged weights are in `model.safetensors`, its losses in `losses.json`.\n\n"
        f"All that determines it:\n\n```yaml\n{yaml.safe_dump(settings, sort_keys=True)}```\n"
    )
    Folder.at(result.folder).replace("card.md", text.encode())
