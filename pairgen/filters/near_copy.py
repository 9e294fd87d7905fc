"""Drops pairs whose sample is too close to a real one (a privacy filter).

    score = d_1(x_0) = min over the reference's points r of ‖x_0 - r‖

the Euclidean distance to the nearest real sample, as in the literature on copies in generative models
(Carlini et al. 2023, 'Extracting Training Data from Diffusion Models', which divides it by the mean distance
to 50 neighbours). The search is exact in any dimension: by a k-d tree up to 64 values per sample (on 8×8
digits that takes half the time of comparing all), by all distances above. A mirrored or shifted copy isn't
found (docs/privacy.md).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdm.evaluate.nearest import nearest_distances, nearest_rows
from pairgen.filters.filter import Filter, FittedFilter
from storage.records import PairBatch

_MAX_TREE_VALUES = 64  # of a sample; in many dimensions a tree visits all it holds, one by one


class NearCopy(Filter):
    """Low scores are bad: a pair is kept if its distance is at least the threshold."""

    plugin = "near-copy"
    finds_copies = True

    def fit(self, reference: NDArray[Any]) -> "FittedNearCopy":
        """The filter against real samples [m, *shape], m ≥ 1, all finite."""
        points = _flat(reference)
        if len(points) == 0 or not np.isfinite(points).all():
            raise ValueError(
                f"the reference of 'near-copy' has {len(points)} samples, or values that are not "
                "finite; give at least one sample and finite values only"
            )
        return FittedNearCopy(points)


class FittedNearCopy(FittedFilter):
    """Holds the reference [m, d] in float64, in a k-d tree if that is faster."""

    def __init__(self, points: NDArray[np.float64]) -> None:
        self._points = points
        from scipy.spatial import cKDTree  # takes half a second: recipes name filters

        self._tree = cKDTree(points) if points.shape[1] <= _MAX_TREE_VALUES else None

    def score(self, pairs: PairBatch) -> NDArray[np.float64]:
        """The distance of each x_0 to the nearest reference point, float64 [n], in x_0's units."""
        return self._distances(pairs.x_0)

    def nearest(self, pairs: PairBatch) -> NDArray[np.int64]:
        """The row of the nearest reference point, int64 [n]."""
        if self._tree is not None:
            return np.asarray(self._tree.query(_flat(pairs.x_0), k=1)[1], np.int64)
        return nearest_rows(pairs.x_0, self._points)

    def _distances(self, samples: NDArray[Any]) -> NDArray[np.float64]:
        if self._tree is None:
            return nearest_distances(_flat(samples), self._points)
        distances, _ = self._tree.query(_flat(samples), k=1)
        return np.asarray(distances, np.float64)


def _flat(samples: NDArray[Any]) -> NDArray[np.float64]:
    num_values = int(np.prod(samples.shape[1:]))
    return np.asarray(samples, np.float64).reshape(len(samples), num_values)
