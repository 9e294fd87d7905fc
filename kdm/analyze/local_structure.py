"""Does noise near x_T give samples near x_0? (arXiv 2505.13358, Sec. 6.1, Figs. 3 and 10 to 12)

    x̂_T = normalise(x_T + σ ε),  ε ~ N(0, 1),  σ = 0, 0.05, …, 0.60          (x_T in units of its scale)
    d(σ) = √( E ‖G(x̂_T) − G(x_T)‖² / E ‖x_0 − x_0'‖² )

The denominator is of unrelated samples (`unrelated`), so d is 0 for the same sample and 1 for another.
The paper brings each x̂_T to its own mean 0 and standard deviation 1 and shows pictures; here the distance
is measured too, for the student and for its teacher. A noise has one ε for all σ, so that a curve is
smooth. Noise of few coordinates has no standard deviation of its own to speak of, so it is divided by
√(1 + σ²), which has the same expectation.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.analyze.analysis import Analysis, Drawing, Findings, Found, NoiseMap, Subject
from kdm.analyze.unrelated import square_distance, unrelated_square
from kdm.metrics.metric import Meaning
from kdm.metrics.samples import Classes, Points

_FEW = 16  # coordinates below which a sample's own standard deviation is mostly chance
_NUM_SHOWN = 3
SIGMAS = tuple(round(0.05 * step, 2) for step in range(13))  # Sec. 6.1


def perturbed(x_T: Points, sigma: float, *, seed: int, scale: float = 1.0) -> Points:
    """x̂_T [n, *shape] of noise [n, *shape] with standard deviation `scale`; σ = 0 only normalises."""
    count = len(x_T)
    epsilon = np.random.RandomState(seed).standard_normal(x_T.shape)
    moved = x_T / scale + sigma * epsilon
    flat = moved.reshape(count, -1)
    if flat.shape[1] < _FEW:
        flat = flat / np.sqrt(1 + sigma**2)
    else:
        flat = (flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)
    return np.asarray((scale * flat).reshape(x_T.shape), np.float32)


def neighbourhood(
    apply: NoiseMap, x_T: Points, label: Classes | None, noises: list[Points], unrelated: float
) -> tuple[list[Points], NDArray[np.float64]]:
    """G of each perturbed set of `noises`, and d [len(noises), n] of each sample from G(x_T).

    `x_T` is normalised as the others are.
    """
    own = apply(x_T, label)
    moved = [apply(each, label) for each in noises]
    return moved, np.stack([np.sqrt(square_distance(each, own) / unrelated) for each in moved])


class LocalStructure(Analysis):
    """d(σ) of student and teacher around the same held-out noises."""

    plugin: ClassVar[str] = "local-structure"
    needs: ClassVar[frozenset[str]] = frozenset({"teacher"})
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "distance_near": Meaning(
            "distance at σ = 0.30",
            "root mean square distance from the unperturbed sample, over that of unrelated samples",
            "lower",
            "heldout",
            is_ranked=False,
        ),
        "distance_far": Meaning(
            "distance at σ = 0.60", "the same at the largest σ", "lower", "heldout", is_ranked=False
        ),
        "curve_gap": Meaning(
            "gap to the teacher’s curve",
            "the largest difference between the student’s and the teacher’s distance over all σ",
            "lower",
            "heldout",
            is_ranked=False,
        ),
        "moves_alike": Meaning(
            "moves like its teacher",
            "correlation over noises of the student’s and the teacher’s distance at σ = 0.30: 1 if the "
            "same noises are sensitive",
            "higher",
            "heldout",
            is_ranked=False,
        ),
    }

    sigmas: tuple[float, ...] = Field(SIGMAS, min_length=2)  # in standard deviations of the noise
    num_noises: int = Field(64, ge=2)  # held-out noises that are moved
    seed: int = Field(0, ge=0, le=2**32 - 1)  # of ε

    def find(self, subject: Subject) -> Findings:
        """Curves [sigmas] of student and teacher, and a few samples [sigmas, 3, *shape] of each."""
        assert subject.teacher is not None  # what `needs` asks for
        x_T, label = subject.first(self.num_noises)
        unrelated = unrelated_square(subject.samples.x_0, subject.samples.label)
        x_T = perturbed(x_T, 0.0, seed=self.seed, scale=subject.noise_scale)
        noises = [
            perturbed(x_T, sigma, seed=self.seed, scale=subject.noise_scale)
            for sigma in self.sigmas
        ]
        of_student, own = neighbourhood(subject.student, x_T, label, noises, unrelated)
        of_teacher, others = neighbourhood(subject.teacher, x_T, label, noises, unrelated)
        curve, teachers = (np.sqrt((each**2).mean(axis=1)) for each in (own, others))
        near = int(np.argmin(np.abs(np.array(self.sigmas) - 0.3)))
        return Findings(
            {
                "distance_near": float(curve[near]),
                "distance_far": float(curve[-1]),
                "curve_gap": float(np.abs(curve - teachers).max()),
                "moves_alike": _correlation(own[near], others[near]),
            },
            {
                "distance_near": float(teachers[near]),
                "distance_far": float(teachers[-1]),
                "curve_gap": 0.0,
                "moves_alike": 1.0,
            },
            arrays={
                "sigmas": np.array(self.sigmas),
                "student": curve,
                "teacher": teachers,
                "shown_student": np.stack([each[:_NUM_SHOWN] for each in of_student]),
                "shown_teacher": np.stack([each[:_NUM_SHOWN] for each in of_teacher]),
            },
        )

    def draw(self, found: Found) -> list[Drawing]:
        """The curves, and of pictures the neighbourhoods themselves."""
        from kdm.analyze.neighbourhood_figures import curves, neighbourhoods  # matplotlib

        return [curves(found), *neighbourhoods(found)]


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson's of two rows; 0 if one of them is constant."""
    if not first.std() or not second.std():
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
