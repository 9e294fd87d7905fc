"""Several filters as one: at which rate each may drop so that together they drop no more than is stated.

Filters of pictures overlap: the same held-out pictures, often true duplicates, have bad scores in all of
them. So each gets the same rate r of its own, the largest at which the union of what they drop is at most
fpr · n of the n held-out samples. With k filters fpr / k ≤ r ≤ fpr, to the nearest sample.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.decisions import decide
from pairgen.filters.filter import Filter
from pairgen.filters.judge import threshold_at
from pairgen.filters.share import Share

Scores = NDArray[np.float64]


class JointThresholds(NamedTuple):
    """A threshold a filter, in their order, the rate that each has by itself, and what all of them drop."""

    thresholds: tuple[float, ...]
    rate: float
    dropped: Share


def joint_thresholds(
    filters: Sequence[Filter], scores: Sequence[Scores], fpr: float
) -> JointThresholds:
    """The thresholds for scores [n] of the same n held-out samples, an array a filter.

    A FilterError if a filter can't be calibrated. At rate 0 some samples may be dropped all the same, by a
    filter whose threshold is fixed, as that of `exact`: then that is what is returned.
    """
    num = len(scores[0])
    most = int(np.floor(fpr * num))
    low, high = 0, most  # samples that each filter may drop; 0 is taken whatever it drops
    while low < high:
        middle = (low + high + 1) // 2
        if share_dropped(filters, scores, _at(filters, scores, middle, num)).count <= most:
            low = middle
        else:
            high = middle - 1
    thresholds = _at(filters, scores, low, num)
    return JointThresholds(thresholds, low / num, share_dropped(filters, scores, thresholds))


def share_dropped(
    filters: Sequence[Filter], scores: Sequence[Scores], thresholds: Sequence[float]
) -> Share:
    """The share that at least one filter drops, of samples with these scores [n], an array a filter."""
    keeps = [
        decide(each, own, threshold).keep
        for each, own, threshold in zip(filters, scores, thresholds, strict=True)
    ]
    return Share(int(np.count_nonzero(~np.logical_and.reduce(keeps))), len(scores[0]))


def _at(
    filters: Sequence[Filter], scores: Sequence[Scores], num_each: int, num: int
) -> tuple[float, ...]:
    """Thresholds at which each filter drops at most `num_each` of `num` samples."""
    rate = (num_each + 0.5) / num if num_each < num else num_each / num  # safe from rounding
    return tuple(
        threshold_at(each, own, min(rate, 1 - 0.5 / num))
        for each, own in zip(filters, scores, strict=True)
    )
