"""How far a student lands from its teacher on the same noise, beside a poor student's score.

An error says little by itself: a set whose samples are alike has small ones. With the student's error
E‖x_0^(i) − x_0(i)‖², the ratios divide it by the error of three rivals:

    shuffled in class   E‖x_0^(i) − x_0(j)‖² over all i ≠ j of one class: right class, wrong noise,
    shuffled            the same over all i ≠ j: a good picture that has nothing to do with the noise,
    linear map          E‖A_y x_T + b_y − x_0‖² (`linear_map`): no network at all.

Near 1 the student isn't better than that rival; a student that follows its teacher is far below.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import Estimate, Statistic, bootstrap
from kdm.metrics.metric import EstimatedMetric, Meaning
from kdm.metrics.samples import EvaluationSamples

Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]
_LEAST = 1e-30  # a rival without error still leaves a finite ratio


class PairedBaselines(EstimatedMetric):
    """The mean squared error against the teacher, and that over the errors of three rivals."""

    plugin: ClassVar[str] = "paired-baselines"
    needs: ClassVar[frozenset[str]] = frozenset({"linear"})
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "paired_mse": Meaning(
            label="paired MSE",
            explanation="squared error against the teacher, mean over samples and pixels; "
            "the teacher's is 0 by construction",
            better="lower",
            measured_on="heldout",
        ),
        "paired_over_class_shuffled": Meaning(
            label="MSE over shuffled in class",
            explanation="paired MSE over the error against the teacher’s sample of another pair of "
            "the same class: near 1 a student follows the class and ignores the noise",
            better="lower",
            measured_on="heldout",
        ),
        "paired_over_shuffled": Meaning(
            label="MSE over shuffled",
            explanation="the same over another pair of any class",
            better="lower",
            measured_on="heldout",
        ),
        "paired_over_linear": Meaning(
            label="MSE over linear map’s",
            explanation="paired MSE over the error of the best linear map from noise to data of each "
            "class, fitted to training pairs: from 1 on a network has learned nothing beyond it",
            better="lower",
            measured_on="heldout",
        ),
    }

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """Squared data units a pixel, and three ratios."""
        assert samples.linear_x_0 is not None  # what `needs` asks for
        own, teachers = _flat(samples.x_0_hat), _flat(samples.x_0)
        linear = ((_flat(samples.linear_x_0) - teachers) ** 2).sum(axis=1)
        errors = ((own - teachers) ** 2).sum(axis=1)
        in_class = _Shuffled(own, teachers, samples.label)
        anywhere = _Shuffled(own, teachers, None)
        num_values = own.shape[1]
        numbers: dict[str, Statistic] = {
            "paired_mse": lambda rows: float(errors[rows].mean() / num_values),
            "paired_over_class_shuffled": lambda rows: _over(errors, rows, in_class(rows)),
            "paired_over_shuffled": lambda rows: _over(errors, rows, anywhere(rows)),
            "paired_over_linear": lambda rows: _over(errors, rows, float(linear[rows].mean())),
        }
        return {
            name: bootstrap(number, len(own), label=samples.label)
            for name, number in numbers.items()
        }


class _Shuffled:
    """The mean of ‖x_0^(i) − x_0(j)‖² over all i ≠ j of one class: the mean over all shuffles.

    By sums of a class: Σ_ij ‖a_i − b_j‖² = n Σ‖a‖² + n Σ‖b‖² − 2 Σa·Σb, less the n terms of i = j.
    """

    def __init__(self, own: Matrix, teachers: Matrix, label: NDArray[np.int64] | None) -> None:
        self.own, self.teachers = own, teachers
        label = np.zeros(len(own), np.int64) if label is None else label
        self.is_of = label == np.unique(label)[:, None]  # [classes, n]
        self.squares = (own**2).sum(axis=1) + (teachers**2).sum(axis=1)
        self.errors = ((own - teachers) ** 2).sum(axis=1)

    def __call__(self, rows: Rows) -> float:
        """The mean over the pairs of `rows`, each class by its number of them."""
        weights = self.is_of * np.bincount(rows, minlength=len(self.own))
        counts = weights.sum(axis=1)
        products = ((weights @ self.own) * (weights @ self.teachers)).sum(axis=1)
        totals = counts * (weights @ self.squares) - 2 * products - weights @ self.errors
        has_others = counts > 1
        means = totals[has_others] / (counts[has_others] - 1)
        return float(means.sum() / max(counts[has_others].sum(), 1))


def _over(errors: NDArray[np.float64], rows: Rows, rivals: float) -> float:
    """The student's mean error over these rows, divided by a rival's."""
    return float(errors[rows].mean() / max(rivals, _LEAST))


def _flat(samples: NDArray[np.float32]) -> Matrix:
    """Samples [n, *shape] as float64 [n, values]."""
    return samples.reshape(len(samples), -1).astype(np.float64)
