"""The pictures of a study with human raters: the student's, and the teacher's or real ones beside them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.documents.evaluated_samples import placed_student, teacher_samples
from flows.documents.remembered_runs import KnownRun
from flows.stage import StageResult
from kdm.evaluate.draw import push
from kdm.report.picture_figures import is_image
from storage.records import as_numbers


@dataclass(frozen=True)
class HumanStudy:
    """What the user asks for."""

    against: str = "teacher"
    num_questions: int = 10  # the paper's (App. E.4)
    side: int = 6  # pictures along a collage
    seed: int = 0  # of which pictures are shown
    out: str = ""
    is_dry: bool = False


def study_pictures(
    known: KnownRun, student: StageResult, wanted: HumanStudy
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The student's pictures and the others (n, c, h, w), row for row of one noise, or one class.

    A ValueError if the student makes no pictures, or there are too few.
    """
    teacher = teacher_samples(known.run, known.judged, needs=frozenset())
    if not is_image(teacher.schema.shape):
        raise ValueError(
            f"{student.place.name} makes samples of shape {list(teacher.schema.shape)}, and raters "
            "look at pictures"
        )
    heldout, count = teacher.heldout, wanted.num_questions * wanted.side**2
    _require(len(heldout), count, "held-out pairs", wanted)
    rows = np.random.RandomState(wanted.seed).permutation(len(heldout))[:count]
    label = None if heldout.label is None else heldout.label[rows]
    others = as_numbers(heldout.x_0[rows]).astype(np.float32)
    if wanted.against == "real":
        others = _real(known, label, wanted)
    model = placed_student(known.run, student, teacher.schema)
    drawn = push(model, heldout.x_T[rows], label, options=known.run.recipe.evaluation)
    return drawn, others


def _real(
    known: KnownRun, label: NDArray[np.int64] | None, wanted: HumanStudy
) -> NDArray[np.floating]:
    """Held-out real pictures, of the same classes if pairs have any."""
    dataset, count = known.run.recipe.dataset, wanted.num_questions * wanted.side**2
    if dataset is None:
        raise ValueError("this student's recipe names no data set; use --against teacher")
    real = dataset.heldout() if dataset.has_heldout else dataset.train()
    classes = dataset.labels("heldout" if dataset.has_heldout else "train")
    _require(len(real), count, "real pictures", wanted)
    order = np.random.RandomState(wanted.seed).permutation(len(real))
    if label is None or classes is None:
        return as_numbers(real[order[:count]]).astype(np.float32)
    chosen = np.zeros(count, np.int64)
    for each in np.unique(label):
        places, rows = np.flatnonzero(label == each), order[classes[order] == each]
        if len(rows) < len(places):
            raise ValueError(
                f"class {each} has {len(rows)} real pictures, and the collages need {len(places)}; ask "
                "fewer --questions, or take a smaller --side"
            )
        chosen[places] = rows[: len(places)]
    return as_numbers(real[chosen]).astype(np.float32)


def _require(there: int, count: int, what: str, wanted: HumanStudy) -> None:
    if there < count:
        raise ValueError(
            f"{wanted.num_questions} pairs of {wanted.side}×{wanted.side} collages need {count:,} "
            f"{what}, and there are {there:,}; ask fewer --questions, or take a smaller --side"
        )
