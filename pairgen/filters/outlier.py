"""Drops samples that are far from all real ones (a filter of quality: copies have the best score).

    score = d_1(x_0) / r_k(y),      y the real sample nearest to x_0, d_1 = ‖x_0 − y‖,

r_k(y) the distance from y to its k-th nearest other real sample: the inverse of the realism score of
Kynkäänniemi et al. 2019 ('Improved Precision and Recall Metric'), taken at the nearest sample. A distance
alone takes busy pictures for outliers and misses spoilt smooth ones, because distances between busy
pictures are several times larger; relative to what is usual about y, 1 is as far as real samples are
from each other.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.evaluate.nearest import nearest_neighbours
from kdm.metrics.squared_distances import SquaredDistances
from pairgen.filters.filter import Filter, FittedFilter
from storage.records import PairBatch

_MAX_TREE_VALUES = 64  # of a sample; in many dimensions a tree visits all it holds, one by one
# The least r_k, as a share of the median: a real sample that is stored several times has 0.
_LEAST = 0.1
Points = NDArray[np.float64]


class Outlier(Filter):
    """High scores are bad: a pair is kept if its score is at most the threshold."""

    plugin: ClassVar[str] = "outlier"
    drops = "high"

    num_neighbours: int = Field(3, ge=1, le=100)  # k; 3 as in the paper

    def fit(self, reference: NDArray[Any]) -> "FittedOutlier":
        """The filter against real samples [m, *shape], m > k."""
        if len(reference) <= self.num_neighbours:
            raise ValueError(
                f"{len(reference):,} real samples don't have {self.num_neighbours} neighbours each; "
                f"give it more, or set num_neighbours to less than {len(reference):,}"
            )
        return FittedOutlier(_flat(reference), self.num_neighbours)


class FittedOutlier(FittedFilter):
    """Holds the reference [m, d] in float64, in a k-d tree if that is faster, and each sample's r_k [m]."""

    def __init__(self, points: Points, num_neighbours: int) -> None:
        self._points = points
        from scipy.spatial import cKDTree  # takes half a second: recipes name filters

        self._tree = cKDTree(points) if points.shape[1] <= _MAX_TREE_VALUES else None
        radii = self._radii(num_neighbours)
        least = _LEAST * float(np.median(radii))
        if least == 0:
            raise ValueError(
                f"most real samples have {num_neighbours} equal ones among the others, so nothing says "
                "what is far from them; leave copies out of the data set"
            )
        self._scale = np.maximum(radii, least)

    def score(self, pairs: PairBatch) -> Points:
        """d_1 / r_k of each x_0, float64 [n]; it has no unit."""
        distances, nearest = self._nearest(_flat(pairs.x_0))
        return np.asarray(distances / self._scale[nearest])

    def _nearest(self, samples: Points) -> tuple[Points, NDArray[np.int64]]:
        if self._tree is None:
            return nearest_neighbours(samples, self._points)
        distances, nearest = self._tree.query(samples, k=1)
        return np.asarray(distances), np.asarray(nearest)

    def _radii(self, num_neighbours: int) -> Points:
        if self._tree is None:
            squares = SquaredDistances(self._points, self._points).radii(num_neighbours)
            return np.sqrt(squares)
        # The sample itself is the nearest.
        return np.asarray(self._tree.query(self._points, k=num_neighbours + 1)[0][:, -1])


def _flat(samples: NDArray[Any]) -> Points:
    return np.asarray(samples, np.float64).reshape(len(samples), int(np.prod(samples.shape[1:])))
