"""The data behind the report's pictures: losses, filter scores, samples next to the teacher's."""

import numpy as np
from numpy.typing import NDArray

from flows.calibration import RecipeFilter
from flows.documents.evaluated_samples import placed_student
from flows.judged_pairs import contents, masks_in, open_split
from flows.stage import Run, StageResult
from kdm.analyze.loss_curves import LossHistory
from kdm.evaluate.draw import TeacherSamples, draw_samples
from kdm.report.figures import FilterScores, StudentResults
from storage.digest import unseal
from storage.folders import Folder
from storage.masks import read_decision_summary, read_scores


def results(run: Run, student: StageResult, teacher: TeacherSamples) -> StudentResults:
    """A student's samples, the eigenvalues of its operator if it has one, and its losses."""
    model = placed_student(run, student, teacher.schema)
    operator = model.operator
    return StudentResults(
        name=student.facts["student"],
        samples=draw_samples(model, teacher, options=run.recipe.evaluation),
        eigenvalues=None if operator is None else operator.eigenvalues().cpu().numpy(),
        losses=_losses(student.place),
    )


def _losses(folder: Folder) -> LossHistory | None:
    if not folder.exists("losses.json"):
        return None
    return LossHistory.of(unseal(folder.read("losses.json"), f"{folder.url}/losses.json")["losses"])


def teacher_losses(run: Run, judged: StageResult) -> LossHistory | None:
    """The teacher's losses; None if it wasn't trained in this home."""
    folder = judged.facts.get("teacher_folder")
    return _losses(run.home / folder) if folder else None


def filter_scores(run: Run, judged: StageResult) -> list[FilterScores]:
    """For each filter of the recipe: scores of generated and of held-out samples, and the threshold."""
    drawn = []
    # A recipe without filters may name a decision, but its calibration isn't known here.
    own = masks_in(judged) if run.recipe.filters else ()
    for choice, mask in zip(run.recipe.filters, own, strict=True):
        store = open_split(run, judged, "train")
        masks = store.base / "masks"
        generated: list[NDArray[np.float64]] = [
            read_scores(masks, mask.score, content) for content in contents(run, store)
        ]
        drawn.append(
            FilterScores(
                filter=choice.filter.plugin,
                generated=np.concatenate(generated),
                heldout=RecipeFilter(choice, run.recipe.dataset, home=run.home).heldout_scores(),
                threshold=read_decision_summary(masks, mask)["threshold"],
            )
        )
    return drawn
