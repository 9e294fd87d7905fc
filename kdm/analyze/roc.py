"""How well a score finds what it should find: the ROC curve, its area, and the area's interval.

    AUC = P(score of a positive > score of a negative) + ½ P(equal)

which is the U of Mann & Whitney (1947) over (positives × negatives). The interval is DeLong's
(DeLong et al. 1988): the variance of U from its placements, V10(i) = share of negatives below positive i,
V01(j) = share of positives above negative j, var = s²(V10) / m + s²(V01) / n.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import Estimate

_DEVIATIONS = 1.959964  # of the normal distribution, either way: 95 %


def roc(
    score: NDArray[np.floating], is_positive: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rates [k + 1] as the threshold falls, from (0, 0) to (1, 1).

    Equal scores are passed together. A ValueError unless there are both positives and negatives.
    """
    _require_both(is_positive)
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    hits, ranked = is_positive[order].astype(np.float64), np.asarray(score)[order]
    last_of_equals = np.append(ranked[1:] != ranked[:-1], True)
    true = np.cumsum(hits)[last_of_equals] / hits.sum()
    false = np.cumsum(1 - hits)[last_of_equals] / (1 - hits).sum()
    return np.append(0.0, false), np.append(0.0, true)


def auc(score: NDArray[np.floating], is_positive: NDArray[np.bool_]) -> Estimate:
    """The area under the ROC curve with DeLong's 95 % interval, within [0, 1].

    A ValueError unless there are both positives and negatives.
    """
    _require_both(is_positive)
    positives, negatives = (
        np.asarray(score, np.float64)[is_positive],
        np.asarray(score, np.float64)[~is_positive],
    )
    above = _placements(positives, negatives)
    below = 1 - _placements(negatives, positives)
    value = float(above.mean())
    error = math.sqrt(_variance_of_mean(above) + _variance_of_mean(below))
    half = _DEVIATIONS * error
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0))


def _placements(these: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each of `these` the share of `others` below it, equal ones by half."""
    ordered = np.sort(others)
    lower, upper = np.searchsorted(ordered, these, "left"), np.searchsorted(ordered, these, "right")
    return np.asarray((lower + upper) / (2 * len(others)))


def _variance_of_mean(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.25


def _require_both(is_positive: NDArray[np.bool_]) -> None:
    count = int(is_positive.sum())
    if not 0 < count < len(is_positive):
        raise ValueError(
            f"{count} of {len(is_positive)} samples are outliers; a ROC curve needs some of both kinds"
        )
