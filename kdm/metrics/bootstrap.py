"""How sure a number of a sample is: the bootstrap (Efron 1979; Efron & Tibshirani 1993, Ch. 13).

From n rows, B = 200 times n rows are drawn with replacement, and the statistic θ is taken of each
draw: θ*_1 … θ*_B. Their spread estimates the spread that other samples of n rows would show. With
d_b = θ*_b − mean(θ*), the 95 % interval of the value θ is

    [θ + q_.025(d), θ + q_.975(d)],  q: the quantile over b.

Students are measured on the same noise, so they share most of the chance in their numbers. Which rows
a resample draws doesn't depend on the student: the d_b of two students can be subtracted row by row,
and what is left is the chance in their difference (ibid., Ch. 8.3, paired samples).
"""

import base64
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

COVERAGE = 0.95
NUM_RESAMPLES = 200
_DEVIATIONS = 1.959964  # of the normal distribution, either way: 95 %
Statistic = Callable[[NDArray[np.int64]], float]  # of the rows that were drawn


class Estimate(NamedTuple):
    """A number, and the interval that its sampling noise leaves."""

    value: float  # the number
    low: float  # of its 95 % interval
    high: float  # of its 95 % interval
    # How far the number of each resample lies from their mean; empty if it was not resampled.
    deviations: tuple[float, ...] = ()

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.low:.4g} … {self.high:.4g})"


def bootstrap(
    statistic: Statistic,
    num_rows: int,
    *,
    label: NDArray[np.int64] | None = None,
    coverage: float = COVERAGE,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """The statistic of all rows, and an interval of it that covers `coverage`.

    `label` is [num_rows], the classes to resample within (`resampled`). Statistics of resampled rows may
    be off the value on average (a Fréchet distance grows as rows repeat), so the interval is their
    spread about their own mean, moved to the value.
    """
    found = resampled(statistic, num_rows, label=label, num_resamples=num_resamples, seed=seed)
    value = statistic(np.arange(num_rows))
    below, above = spread(found, coverage=coverage)
    return Estimate(value, value + below, value + above, found)


def resampled(
    statistic: Statistic,
    num_rows: int,
    *,
    label: NDArray[np.int64] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> tuple[float, ...]:
    """How far the statistic of each resample lies from their mean.

    Rows are resampled within each class of `label` ([num_rows]) if the sample has as many of each
    by design: else numbers of rows by class would vary, and with them a Fréchet distance. For every
    statistic, the same `num_rows`, `label` and `seed` draw the same rows.
    """
    stream = np.random.RandomState(np.random.Philox(key=np.array([seed, 0], np.uint64)))
    classes = [np.arange(num_rows)]
    if label is not None:
        classes = [np.flatnonzero(label == each) for each in np.unique(label)]

    def rows() -> NDArray[np.int64]:
        """One resample: as many rows of each class as there are, drawn with replacement."""
        return np.concatenate([each[stream.randint(0, len(each), len(each))] for each in classes])

    drawn = np.array([statistic(rows()) for _ in range(num_resamples)])
    return tuple((drawn - drawn.mean()).tolist())


def resampled_mean(
    values: NDArray[np.bool_] | NDArray[np.float64], label: NDArray[np.int64] | None = None
) -> tuple[float, ...]:
    """`resampled` of the mean of a number a row, [n]."""
    return resampled(lambda rows: float(np.mean(values[rows])), len(values), label=label)


def by_shares(
    value: float, shares: NDArray[np.float64], label: NDArray[np.int64] | None = None
) -> Estimate:
    """A number that resamples move, to first order, as they move the mean of `shares`, [n].

    So its interval costs means alone, whatever the number costs: a normal one, because a mean's
    standard error is known without resamples. These only serve comparisons.
    """
    half = _DEVIATIONS * _error_of_mean(shares, label)
    return Estimate(value, value - half, value + half, resampled_mean(shares, label))


def _error_of_mean(shares: NDArray[np.float64], label: NDArray[np.int64] | None) -> float:
    """Its standard error over samples, drawn within each class if there are any."""
    _, classes = np.unique(np.zeros(len(shares)) if label is None else label, return_inverse=True)
    counts = np.bincount(classes)
    means = np.bincount(classes, shares) / counts
    squares = np.bincount(classes, (shares - means[classes]) ** 2)
    return float(np.sqrt((squares / np.maximum(counts - 1, 1) * counts).sum()) / len(shares))


def share_of(is_right: NDArray[np.bool_]) -> Estimate:
    """The share of True in bool [n], with Wilson's score interval (Wilson 1927).

    With z = 1.96: (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n). A bootstrap wouldn't give an
    interval at all if every sample is right, and that can happen.
    """
    value, num, squared = float(is_right.mean()), len(is_right), _DEVIATIONS**2
    centre = (value + squared / (2 * num)) / (1 + squared / num)
    spread = math.sqrt(value * (1 - value) / num + squared / (4 * num**2))
    half = _DEVIATIONS * spread / (1 + squared / num)
    return Estimate(value, max(centre - half, 0.0), min(centre + half, 1.0))


def spread(deviations: Sequence[float], *, coverage: float = COVERAGE) -> tuple[float, float]:
    """How far below (≤ 0) and above (≥ 0) its value a number with these deviations may be."""
    tail = (1 - coverage) / 2
    below, above = np.quantile(np.asarray(deviations), [tail, 1 - tail])
    return float(below), float(above)


def packed(deviations: Sequence[float]) -> str:
    """As float32 in base64: two hundred take a kilobyte, and five as JSON's digits."""
    return base64.b64encode(np.asarray(deviations, "<f4").tobytes()).decode()


def unpacked(text: str) -> tuple[float, ...]:
    """The deviations that `packed` wrote, as float64."""
    return tuple(np.frombuffer(base64.b64decode(text), "<f4").astype(np.float64).tolist())
