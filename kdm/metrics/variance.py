"""How varied a student's samples are compared with its teacher's on the same noise.

    ratio = Σ_k Var_i(x_0^(i)_k) / Σ_k Var_i(x_0(i)_k),  k over pixels, i over n held-out pairs.

A student that was trained on a squared error tends to the mean of what it cannot resolve, so below 1
samples are blurred or too alike; above 1 they hold noise that the teacher's don't.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import Estimate, bootstrap
from kdm.metrics.metric import EstimatedMetric, Meaning
from kdm.metrics.samples import EvaluationSamples

_NUMBER = "variance_over_teachers"
_LEAST = 1e-30  # a draw of one sample alone still leaves a finite ratio


class Variance(EstimatedMetric):
    """The variance over samples, summed over pixels, over the teacher's on the same noise."""

    plugin: ClassVar[str] = "variance"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        _NUMBER: Meaning(
            label="variance over teacher’s",
            explanation="variance over samples summed over pixels, over the teacher's on the same "
            "noise; below 1 samples are too alike or blurred, above 1 they hold noise",
            better="nearer 1",
            measured_on="heldout",
            is_ranked=False,
        )
    }

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """A ratio; a ValueError if all the teacher's samples are one."""
        own, teachers = (_centred(each) for each in (samples.x_0_hat, samples.x_0))
        if not teachers.any():
            raise ValueError("the teacher's held-out samples are all the same; give more pairs")
        return {
            _NUMBER: bootstrap(
                lambda rows: _ratio(own, teachers, rows), len(own), label=samples.label
            )
        }


def _ratio(
    own: NDArray[np.float64], teachers: NDArray[np.float64], rows: NDArray[np.int64]
) -> float:
    """The ratio over resampled rows, both sets [n, values] resampled alike."""
    counts = np.bincount(rows, minlength=len(own)) / len(rows)
    return _variance(own, counts) / max(_variance(teachers, counts), _LEAST)


def _variance(values: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Of rows that make up these shares of a set, summed over columns."""
    squares = np.einsum("ij,ij->i", values, values)
    mean = shares @ values
    return float(shares @ squares - mean @ mean)


def _centred(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """[n, values] about their mean, so that squares lose no digits."""
    flat = samples.reshape(len(samples), -1).astype(np.float64)
    centred: NDArray[np.float64] = flat - flat.mean(axis=0)
    return centred
