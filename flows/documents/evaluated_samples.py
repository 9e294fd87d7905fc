"""What students are measured on, and a student ready to be measured."""

import numpy as np
import torch

from flows.judged_pairs import masks_in, open_split
from flows.stage import Run, StageResult
from kdm.evaluate.draw import TeacherSamples
from kdm.evaluate.evaluate import needs_of, require_needs
from kdm.evaluate.linear_map import MAX_PAIRS, linear_predictions
from kdm.evaluate.network_views import NetworkViews
from kdm.evaluate.perception import Perception
from kdm.evaluate.picture_judge import picture_judge
from kdm.export import load_student
from kdm.report.picture_figures import is_image
from kdm.students.student import Student
from storage.records import PairSchema


def teacher_samples(
    run: Run, judged: StageResult, *, needs: frozenset[str] | None = None
) -> TeacherSamples:
    """What students are compared with: held-out pairs, and other samples of the teacher.

    With a classifier and linear rivals if `needs` names them, by default what the recipe's metrics
    need. A ValueError if pairs or data set lack it.
    """
    masks, pairs, dataset = masks_in(judged), run.recipe.pairs, run.recipe.dataset
    needs = needs_of(run.recipe.evaluation.metrics) if needs is None else needs
    heldout = open_split(run, judged, "heldout")
    require_needs(needs, label=heldout.schema.label, dataset=dataset)
    for metric in run.recipe.evaluation.metrics:
        metric.require_shape(heldout.schema.shape)
    wanted = max(3 * run.recipe.evaluation.num_fresh, MAX_PAIRS if "linear" in needs else 0)
    others = open_split(run, judged, "train").load(min(pairs.train, wanted), masks).pairs
    known = heldout.load(pairs.heldout, masks).pairs
    judge = None
    if "classifier" in needs and dataset is not None:
        judge = picture_judge(run.home, dataset, device=torch.device(run.settled_device))
    views = None
    if "network" in needs:
        views = NetworkViews(
            run.home,
            run.recipe.evaluation.metrics,
            dataset,
            device=torch.device(run.settled_device),
            shape=heldout.schema.shape,
        )
    perception = None
    if "perceptual" in needs:
        perception = Perception(
            run.recipe.evaluation.metrics, device=torch.device(run.settled_device)
        )
    return TeacherSamples(
        heldout=known,
        others=np.asarray(others.x_0),
        schema=heldout.schema,
        other_label=others.label,
        linear_x_0=linear_predictions(others, known) if "linear" in needs else None,
        judge=judge,
        views=views,
        perception=perception,
    )


def placed_student(run: Run, student: StageResult, schema: PairSchema) -> Student:
    """A trained student: of images on the run's device, of anything smaller on the CPU."""
    model = load_student(student.folder)
    return model.to(run.settled_device) if is_image(schema.shape) else model
