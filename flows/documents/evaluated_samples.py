"""What students are measured on, and a student ready to be measured."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from flows.judged_pairs import masks_in, open_split
from flows.stage import Run, StageResult
from kdm.evaluate.draw import TeacherSamples
from kdm.evaluate.evaluate import needs_of, require_needs
from kdm.evaluate.linear_map import MAX_PAIRS, linear_predictions
from kdm.evaluate.network_views import NetworkViews
from kdm.evaluate.perception import Perception
from kdm.evaluate.picture_judge import picture_judge
from kdm.export import load_student
from kdm.metrics.sample_sets import Source, gathered
from kdm.report.picture_figures import is_image
from kdm.students.student import Student
from storage.records import PairBatch, PairSchema, concatenate


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
    others = _others(run, judged, MAX_PAIRS if "linear" in needs else 0)
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
        others=others.x_0,
        schema=heldout.schema,
        other_label=others.label,
        linear_x_0=linear_predictions(others.first, known) if others.first else None,
        judge=judge,
        views=views,
        perception=perception,
    )


class _Others(NamedTuple):
    """Of training pairs the samples and classes, and the first pairs whole if they are asked for."""

    x_0: Source
    label: NDArray[np.int64] | None
    first: PairBatch | None


def _others(run: Run, judged: StageResult, num_whole: int) -> _Others:
    """As many as two sets of fresh samples may need, read shard by shard."""
    pairs = run.recipe.pairs
    count = min(pairs.train, max(3 * run.recipe.evaluation.num_fresh, num_whole))
    labels, first, num_first = list[NDArray[np.int64]](), list[PairBatch](), 0

    def samples() -> Iterator[NDArray[Any]]:
        nonlocal num_first
        for each in open_split(run, judged, "train").kept(count, masks_in(judged)):
            if each.label is not None:
                labels.append(each.label)
            if num_first < num_whole:
                first.append(each.take(slice(num_whole - num_first)))
                num_first += len(first[-1])
            yield each.x_0

    x_0 = gathered(samples())
    label = np.concatenate(labels) if labels else None
    return _Others(x_0, label, concatenate(first) if first else None)


def placed_student(run: Run, student: StageResult, schema: PairSchema) -> Student:
    """A trained student: of images on the run's device, of anything smaller on the CPU."""
    model = load_student(student.folder)
    return model.to(run.settled_device) if is_image(schema.shape) else model
