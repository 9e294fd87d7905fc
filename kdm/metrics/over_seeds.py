"""The mean over k trainings that differ in their seed alone, and how sure it is: mean ± t_{k−1} s / √k."""

import math
from collections.abc import Sequence

import numpy as np

_COVERAGE = 0.95


def over_seeds(values: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """The mean of k ≥ 2 values, and its 95 % interval by Student's t."""
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    from scipy.stats import t as students_t  # takes a second, and most students have one seed

    half = float(students_t.ppf((1 + _COVERAGE) / 2, len(values) - 1)) * error
    return mean, (mean - half, mean + half)


def within_fractions(interval: Sequence[float]) -> tuple[float, float]:
    """The part of an interval that lies in [0, 1]: what is shown of a fraction's."""
    low, high = interval
    return max(low, 0.0), min(high, 1.0)
