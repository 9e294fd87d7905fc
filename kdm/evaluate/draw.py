"""A student's samples beside its teacher's: held-out pairs, fresh noise, and sets of the teacher's own.

- held-out pairs (x_T, x_0), which no student trained on: x_0^ = G(x_T) is compared point by point;
- fresh noise x_T ~ N(0, scale² I) of no pair: shows what the student does off its training pairs;
- two disjoint sets of the teacher's x_0, as many as there are fresh samples: the distance between
  them is what chance alone gives, the floor of every distance between sets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.evaluate.network_views import NetworkViews
from kdm.evaluate.perception import Perception
from kdm.evaluate.picture_judge import PictureJudge
from kdm.metrics.sample_sets import SampleSet, Source, gathered
from kdm.metrics.samples import Classes, EvaluationSamples, Points
from kdm.students.student import Student
from storage.noise import derive_labels, derive_noise
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema

FRESH_SPLIT = "fresh"  # a split that no set has, so no pair has its noise, for any seed
_AT_ONCE = 1_000  # samples of noise


@dataclass(frozen=True)
class TeacherSamples:
    """What the teacher brings: held-out pairs, other x_0 ([≥ 2, *shape]) and the pairs' schema."""

    heldout: PairBatch
    others: Source  # x_0 of another split as stored; more than 2·num_fresh are not used
    schema: PairSchema
    other_label: Classes | None = None  # of `others`, if pairs have classes
    linear_x_0: Points | None = None  # of the held-out pairs, if a metric needs that rival
    judge: PictureJudge | None = None  # if a metric needs a classifier
    views: NetworkViews | None = None  # if a metric needs a published network
    perception: Perception | None = None  # if a metric compares how pictures look


def draw_samples(
    student: Student, teacher: TeacherSamples, *, options: EvaluationOptions
) -> EvaluationSamples:
    """Push held-out and fresh noise through the student; a few seconds for 15,000 points.

    The sets of fresh noise have `options.num_fresh` samples, or as many as the teacher has twice;
    with classes each row of the teacher's two sets has the class of that row of fresh noise.
    """
    heldout, schema = teacher.heldout, teacher.schema
    label = _fresh_label(schema, seed=options.seed, count=options.num_fresh)
    sets = _two_sets(teacher, label, options.num_fresh)
    num_fresh = len(sets[0])
    if not num_fresh or not len(heldout):
        raise ValueError(
            f"evaluation has {len(heldout)} held-out pairs and {len(teacher.others)} other "
            "samples of the teacher; it needs at least 1 and 2, with classes 2 of each: generate more "
            "pairs"
        )
    if teacher.views is not None:
        teacher.views.require_samples(num_fresh)
    label = None if label is None else label[:num_fresh]
    x_T, x_0 = SampleSet(heldout.x_T), SampleSet(heldout.x_0)
    x_0_hat = _drawn(student, heldout.x_T, heldout.label, options)
    first, second = (SampleSet(teacher.others, rows) for rows in sets)
    noise = SampleSet(gathered(_fresh_noise(schema, seed=options.seed, count=num_fresh)))
    fresh = _drawn(student, noise, label, options)
    return EvaluationSamples(
        x_T=x_T,
        x_0=x_0,
        x_0_hat=x_0_hat,
        fresh_x_T=noise,
        fresh_x_0_hat=fresh,
        reference=first,
        second_reference=second,
        label=heldout.label,
        fresh_label=label,
        linear_x_0=teacher.linear_x_0,
        judged=teacher.judge.judged(fresh, first, second) if teacher.judge else None,
        seen=teacher.views.seen(fresh, second) if teacher.views else {},
        perceived=(
            teacher.perception.perceived(x_T, x_0, x_0_hat, heldout.label)
            if teacher.perception
            else {}
        ),
    )


def _two_sets(
    teacher: TeacherSamples, label: Classes | None, num_fresh: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of `teacher.others`, without repeats; by class, row for row, the first of `label`."""
    if label is None or teacher.other_label is None:
        num_fresh = min(num_fresh, len(teacher.others) // 2)
        return np.arange(num_fresh), np.arange(num_fresh, 2 * num_fresh)
    chosen = np.zeros((2, num_fresh), np.int64)
    for each in np.unique(label):
        places = np.flatnonzero(label == each)
        rows = np.flatnonzero(teacher.other_label == each)
        half = len(rows) // 2
        if len(places) > half:  # the sets end before the class would run out
            num_fresh, places = min(num_fresh, int(places[half])), places[:half]
        chosen[:, places] = rows[: 2 * len(places)].reshape(2, -1)
    return chosen[0, :num_fresh], chosen[1, :num_fresh]


def fresh_noise(
    schema: PairSchema, *, seed: int, count: int
) -> tuple[Points, NDArray[np.int64] | None]:
    """x_T [count, *shape] of no pair, at the pairs' noise scale, and labels if pairs have them."""
    noise = np.concatenate(list(_fresh_noise(schema, seed=seed, count=count)))
    return noise, _fresh_label(schema, seed=seed, count=count)


def _fresh_noise(schema: PairSchema, *, seed: int, count: int) -> Iterator[Points]:
    """Some at a time."""
    rule, index = NoiseRule(seed=seed, scale=schema.noise.scale), np.arange(count, dtype=np.int64)
    for first in range(0, max(count, 1), _AT_ONCE):
        yield derive_noise(rule, FRESH_SPLIT, index[first : first + _AT_ONCE], schema.shape)


def _fresh_label(schema: PairSchema, *, seed: int, count: int) -> NDArray[np.int64] | None:
    if schema.label is None:
        return None
    # Stored labels belong to pairs; fresh noise doesn't have any, so it takes the classes in turn.
    is_stored = schema.label.rule == "stored"
    rule = LabelRule(num_classes=schema.label.num_classes) if is_stored else schema.label
    index = np.arange(count, dtype=np.int64)
    return derive_labels(rule, seed=seed, split=FRESH_SPLIT, index=index)


def push(
    student: Student,
    x_T: Points,
    label: NDArray[np.int64] | None,
    *,
    options: EvaluationOptions,
) -> Points:
    """x_0_hat = student(x_T), float32 [n, *shape] on the CPU."""
    return np.concatenate(list(_pushed(student, x_T, label, options)))


def _drawn(
    student: Student,
    x_T: Points | SampleSet,
    label: NDArray[np.int64] | None,
    options: EvaluationOptions,
) -> SampleSet:
    """x_0_hat = student(x_T), made once and kept while it's in use."""
    return SampleSet(gathered(_pushed(student, x_T, label, options)))


def _pushed(
    student: Student,
    x_T: Points | SampleSet,
    label: NDArray[np.int64] | None,
    options: EvaluationOptions,
) -> Iterator[Points]:
    """The same in batches of `options.batch_size`."""
    device = next((weight.device for weight in student.parameters()), torch.device("cpu"))
    for first in range(0, len(x_T), options.batch_size):
        rows = slice(first, first + options.batch_size)
        classes = None if label is None else torch.from_numpy(label[rows]).to(device)
        noise = torch.from_numpy(x_T[rows]).to(device)
        # A batch's seed tells it from the others; a deterministic student does not look at it.
        drawn = student.generate(noise, classes, seed=options.seed + first)
        yield drawn.cpu().numpy().astype(np.float32, copy=False)
