"""Numbers of scores that may be shown: each stands for at least twenty samples.

Who may read how near single samples are to private data can rebuild some of that data (Ganev and
De Cristofaro, arXiv 2312.05114). So a quantile is the mean of the twenty scores around its place, and a
histogram's bins are joined until each holds twenty; their edges are on a fixed grid, the first is 0 and the
last a power of ten, so that neither tells the smallest or the largest score.
"""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.privacy.real_samples import LEAST

QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95)
_BINS_A_DECADE = 32
_FINE = 128  # steps a decade, of what thresholds drop
_NUM_LINEAR = 400
_LOWEST = -4  # the first edge above 0 is 10⁻⁴: a hundredth of a byte
Scores = NDArray[np.float64]


class Bin(NamedTuple):
    """How many scores lie in low ≤ score < high."""

    low: float
    high: float
    num: int


def quantile(scores: Scores, share: float) -> float | None:
    """The mean of the twenty scores around place share·n of [n]; None if one end has too few."""
    first = round(share * len(scores)) - LEAST // 2
    if first < 0 or first + LEAST > len(scores):
        return None
    return rounded(float(np.sort(scores)[first : first + LEAST].mean()))


def quantiles(scores: Scores) -> dict[str, float]:
    """Those of QUANTILES that twenty scores stand for, by their share as text."""
    found = {f"{share:g}": quantile(scores, share) for share in QUANTILES}
    return {share: value for share, value in found.items() if value is not None}


def histogram(scores: Scores) -> list[Bin]:
    """Bins of at least twenty of the scores [n], which are ≥ 0; [] if there are fewer."""
    if len(scores) < LEAST:
        return []
    edges = _edges(float(scores.max()))
    ends, joined = [0], [0]
    for place, count in enumerate(np.histogram(scores, edges)[0].tolist(), start=1):
        joined[-1] += count
        ends[-1] = place
        if joined[-1] >= LEAST:
            ends.append(place)
            joined.append(0)
    joined = [*joined[:-2], joined[-2] + joined[-1]]  # too few scores at the end are the last bin's
    ends = [*ends[:-2], len(edges) - 1]
    starts = [0, *ends[:-1]]
    sized = zip(starts, ends, joined, strict=True)
    return [Bin(float(edges[start]), float(edges[end]), count) for start, end, count in sized]


class Step(NamedTuple):
    """How many scores a threshold drops."""

    threshold: float
    num: int


def dropped_steps(scores: Scores, drops: Literal["low", "high"]) -> list[Step]:
    """How many of the scores [n] are worse than thresholds on a fixed grid, from the bad end on.

    Between two steps lie at least twenty scores, and so many are left beyond the last.
    """
    ordered, grid = np.sort(scores), _grid(scores, drops)
    if drops == "low":
        dropped = np.searchsorted(ordered, grid)
    else:
        grid = grid[::-1]
        dropped = len(ordered) - np.searchsorted(ordered, grid, "right")
    found = [Step(0.0, 0)]
    for threshold, num in zip(grid.tolist(), dropped.tolist(), strict=True):
        if num - found[-1].num >= LEAST and len(ordered) - num >= LEAST:
            found.append(Step(threshold, num))
    return found[1:]


def rounded(value: float) -> float:
    """Three significant digits."""
    return float(f"{value:.3g}")


def _edges(most: float, bins_a_decade: int = _BINS_A_DECADE) -> Scores:
    """0, then a grid that ends at the first power of ten above the largest score."""
    last = math.floor(math.log10(max(most, 10**_LOWEST))) + 1
    steps = range(_LOWEST * bins_a_decade, last * bins_a_decade + 1)
    return np.array([0.0, *(10 ** (step / bins_a_decade) for step in steps)])


def _grid(scores: Scores, drops: Literal["low", "high"]) -> Scores:
    """Thresholds of three digits: distances are told apart by their ratio, likeness by its difference."""
    if not len(scores):
        return np.empty(0)
    if drops == "low" and scores.min() >= 0:
        edges = _edges(float(scores.max()), _FINE)
    else:
        last = 10.0 ** math.ceil(math.log10(max(float(np.abs(scores).max()), 10**_LOWEST)))
        edges = np.linspace(-last, last, _NUM_LINEAR + 1)
    return np.unique([rounded(float(each)) for each in edges])
