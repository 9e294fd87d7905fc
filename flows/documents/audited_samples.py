"""What an audit looks at: a student's samples, and its teacher's pairs before and after the filters."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.documents.evaluated_samples import placed_student
from flows.documents.remembered_runs import KnownRun
from flows.judged_pairs import masks_in, open_split
from flows.progress import Meter
from flows.stage import StageResult
from kdm.evaluate.draw import fresh_noise, push
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.privacy.subjects import KEPT_PAIRS, PAIRS, STUDENT, STUDENT_HELDOUT
from kdm.students.student import Student
from storage.masks import Mask
from storage.store import PairStore

_AT_ONCE = 500  # samples a call of the student, between two lines of progress
Samples = NDArray[Any]
Noise = tuple[
    NDArray[np.float32], NDArray[np.int64] | None
]  # x_T [n, *shape], and classes [n] if any


def audited_samples(
    known: KnownRun, student: StageResult, *, count: int, seed: int
) -> dict[str, Samples]:
    """Samples [≤ count, *shape] by the names of their rows; numbers, or bytes of pictures.

    Without filters there are no pairs after them.
    """
    run, masks = known.run, masks_in(known.judged)
    training = open_split(run, known.judged, "train")
    model = placed_student(run, student, training.schema)
    noise = fresh_noise(training.schema, seed=seed, count=count)
    held = _heldout_noise(known, count)
    meter = run.meter("sample", student.name, count + len(held[0]), "samples")
    options = EvaluationOptions(seed=seed)
    found = {
        STUDENT: _pushed(model, noise, options, meter, done=0),
        STUDENT_HELDOUT: _pushed(model, held, options, meter, done=count),
        PAIRS: _first(training, (), run.recipe.pairs.train, count),
    }
    meter.at(meter.total)
    if masks:
        found[KEPT_PAIRS] = _first(training, masks, run.recipe.pairs.train, count)
    return {name: samples for name, samples in found.items() if len(samples)}


def _heldout_noise(known: KnownRun, count: int) -> Noise:
    """The first held-out noise, at most `count`; none if the set has no held-out pairs."""
    num = min(count, known.run.recipe.pairs.heldout)
    if not num:
        return np.empty((0, 1), np.float32), None
    pairs = open_split(known.run, known.judged, "heldout").load(num, masks_in(known.judged)).pairs
    return pairs.x_T, pairs.label


def _pushed(
    model: Student,
    noise: Noise,
    options: EvaluationOptions,
    meter: Meter,
    *,
    done: int,
) -> Samples:
    """The student's samples of noise [n, *shape] and labels [n], if it takes any."""

    def parts() -> Iterator[Samples]:
        x_T, label = noise
        for first in range(0, len(x_T), _AT_ONCE):
            meter.at(done + first)
            rows = slice(first, first + _AT_ONCE)
            # A batch's seed tells it from the others, as in `push`.
            of_batch = options.model_copy(update={"seed": options.seed + first})
            classes = None if label is None else label[rows]
            yield push(model, x_T[rows], classes, options=of_batch)

    drawn = list(parts())
    return np.concatenate(drawn) if drawn else noise[0]


def _first(store: PairStore, masks: tuple[Mask, ...], num_pairs: int, count: int) -> Samples:
    """The first `count` samples x_0 that masks keep of the pairs that the recipe reads."""
    parts: list[Samples] = []
    for pairs in store.kept(num_pairs, masks):
        parts.append(pairs.x_0)
        if sum(map(len, parts)) >= count:
            break
    return np.concatenate(parts)[:count]
