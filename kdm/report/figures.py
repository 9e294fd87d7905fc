"""The report's pictures, each with its alternative text, gathered under short explanations.

Pictures of the plane need points of shape (2,), pictures of images need samples of shape (c, h, w); the
spectrum needs an operator, the histogram a filter. A gallery without pictures is left out. All models
of a gallery got the same noise, so that pictures beside each other compare.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdm.analyze.cell_colours import cell_number, noise_by_cell
from kdm.analyze.loss_curves import LossHistory, loss_curves
from kdm.analyze.outlier_trace import outlier_trace
from kdm.analyze.sample_plots import samples_picture
from kdm.analyze.score_histogram import score_histogram
from kdm.analyze.spectrum import spectrum
from kdm.metrics.outliers import Outliers
from kdm.metrics.samples import EvaluationSamples, Points
from kdm.report.content import Gallery, Picture
from kdm.report.picture_figures import picture_galleries


@dataclass(frozen=True)
class StudentResults:
    """What pictures need of one student; every student's held-out pairs are the same.

    `eigenvalues` are complex [d], of a student with a linear operator in its latent space.
    """

    name: str
    samples: EvaluationSamples
    eigenvalues: NDArray[np.complexfloating] | None = None  # of its operator, if it has one
    losses: LossHistory | None = None


@dataclass(frozen=True)
class FilterScores:
    """Scores of a filter on generated [n] and on held-out real samples [m].

    A sample is kept whose score is at least the threshold.
    """

    filter: str
    generated: NDArray[np.floating]
    heldout: NDArray[np.floating]
    threshold: float


def galleries(
    students: Sequence[StudentResults],
    *,
    teacher_losses: LossHistory | None = None,
    filters: Sequence[FilterScores] = (),
) -> tuple[Gallery, ...]:
    """Every gallery that has a picture, in the order of the page.

    Pictures of samples need points of the plane, or images; samples of another shape get none. The
    teacher's losses are drawn if they are known.
    """
    if not students:
        return ()
    drawn = [
        *_plane_galleries(students),
        *picture_galleries({student.name: student.samples for student in students}),
        Gallery("Spectrum", _SPECTRUM, _spectra(students), is_narrow=True),
        Gallery("Losses", _LOSSES, _losses(students, teacher_losses)),
        Gallery("Filter scores", _FILTERS, _histograms(filters)),
    ]
    return tuple(gallery for gallery in drawn if gallery.pictures)


def _plane_galleries(students: Sequence[StudentResults]) -> list[Gallery]:
    """Noise by cell, samples and outliers of points in the plane; [] of anything else."""
    teacher = students[0].samples
    if teacher.shape != (2,):
        return []
    models = [("teacher", teacher.x_0)]
    models += [(student.name, student.samples.x_0_hat) for student in students]
    colours = tuple(_coloured(name, teacher.x_T, x_0) for name, x_0 in models)
    outliers = tuple(_traced(name, teacher.x_T, x_0) for name, x_0 in models)
    return [
        Gallery("Noise by cell", _COLOURS, colours),
        Gallery("Samples", _SAMPLES, _samples(students), is_narrow=True),
        Gallery("Outliers", _OUTLIERS, outliers),
    ]


def _coloured(name: str, x_T: Points, x_0: Points) -> Picture:
    """One model's map of the held-out noise: x_T and x_0 are [n, 2]."""
    share = 100 * float(np.mean(cell_number(x_0) >= 0))
    return Picture(
        noise_by_cell(x_T, x_0, title=name),
        f"{name}: {len(x_0):,} samples on the checkerboard coloured by their dark square "
        f"({share:.1f}% are on one), beside their noise in the same colours.",
    )


def _samples(students: Sequence[StudentResults]) -> tuple[Picture, ...]:
    """As many samples of the teacher and of each student, from noise of no pair."""
    models = [("teacher", students[0].samples.reference)]
    models += [(student.name, student.samples.fresh_x_0_hat) for student in students]
    return tuple(
        Picture(
            samples_picture(x_0, name),
            f"{name}: {len(x_0):,} samples from fresh noise and the eight dark squares as frames.",
        )
        for name, x_0 in models
    )


def _traced(name: str, x_T: Points, x_0: Points) -> Picture:
    """One model's outliers, on the data and on the noise; x_T and x_0 are [n, 2]."""
    is_outlier = Outliers().find(x_0)
    return Picture(
        outlier_trace(x_T, x_0, is_outlier=is_outlier, title=name),
        f"{name}: {int(is_outlier.sum())} outliers among {len(x_0):,} samples, marked on the "
        "checkerboard and on the noise they came from.",
    )


def _spectra(students: Sequence[StudentResults]) -> tuple[Picture, ...]:
    """The eigenvalues of each student that has an operator."""
    pictures = []
    for student in students:
        if student.eigenvalues is None:
            continue
        modulus = np.abs(student.eigenvalues)
        words = (
            f"{student.name}: {len(modulus)} eigenvalues of the operator in the complex plane, "
            f"{int((modulus > 1).sum())} outside the unit circle; the largest has modulus "
            f"{modulus.max():.2f}."
        )
        pictures.append(Picture(spectrum(student.eigenvalues, student.name), words))
    return tuple(pictures)


def _losses(
    students: Sequence[StudentResults], teacher_losses: LossHistory | None
) -> tuple[Picture, ...]:
    """The losses of the teacher and of each student; a term has one colour in all pictures."""
    histories = [("teacher", teacher_losses)]
    histories += [(student.name, student.losses) for student in students]
    drawn = [(name, history) for name, history in histories if history is not None]
    terms = sorted({term for _, history in drawn for term in history.terms})
    return tuple(
        Picture(
            loss_curves(history, name, all_terms=terms),
            f"{name}: losses by step, terms {', '.join(sorted(history.terms))}.",
        )
        for name, history in drawn
    )


def _histograms(filters: Sequence[FilterScores]) -> tuple[Picture, ...]:
    """Each filter's scores of generated samples beside those of held-out real ones."""
    return tuple(
        Picture(
            score_histogram(
                scores.generated, scores.heldout, threshold=scores.threshold, title=scores.filter
            ),
            f"{scores.filter}: scores of {len(scores.generated):,} generated and "
            f"{len(scores.heldout):,} held-out real samples, threshold {scores.threshold:.3g}.",
        )
        for scores in filters
    )


_COLOURS = (
    "Left, samples coloured by the dark square they are on; right, the same colours on the noise "
    "they came from (the paper’s Fig. 2). A trained teacher cuts the noise into one piece a "
    "square; a faithful student cuts it the same way. All models got the same held-out noise; "
    "grey points are off the dark squares."
)
_SAMPLES = (
    "As many samples of the teacher and of each student, the students’ from noise of no pair. The "
    "frames are the dark squares."
)
_OUTLIERS = (
    "Samples that lie alone or far out, and the noise they came from (Figs. 5c and 13). The "
    "paper finds two sources: the tails of the noise (outside the dashed circle, two standard "
    "deviations) and the borders between its pieces. The teacher has outliers as well, so a "
    "student inherits some."
)
_SPECTRUM = (
    "Eigenvalues of the operator C in the complex plane with the unit circle. Directions well "
    "inside the circle fade on the way from noise to data, those near it are carried over."
)
_LOSSES = "Loss terms over training, on a logarithmic scale. A term has one colour in all."
_FILTERS = (
    "Scores of generated pairs beside those of held-out real data, each at its place; a single "
    "sample shows as the lowest step. For a filter by distance, anything left of the threshold is "
    "masked as a near copy, and a generated curve left of the real one would suggest copying."
)
