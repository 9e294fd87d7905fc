"""Samples far from all others: DBSCAN's noise points and extreme z-scores (arXiv 2505.13358, App. E.6).

A sample x counts as an outlier if either holds:

- DBSCAN (Ester et al. 1996) calls it noise: fewer than `min_samples` samples within `eps` of x, and
  no sample within `eps` that has so many neighbours;
- |x_k − mean_k| > `max_zscore` · std_k on any axis k.

The number is the share of such samples. A student that tears the data's shapes apart leaves points
between them; the teacher's own share is the floor.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.metrics.bootstrap import resampled_mean
from kdm.metrics.metric import Meaning, Metric
from kdm.metrics.samples import EvaluationSamples, Points


class Outliers(Metric):
    """Fraction of outliers among a student's samples.

    It depends on the density of the set, so it compares sets of one size only: the teacher's
    number on held-out noise and on fresh noise are each over as many samples as the student's.
    """

    plugin: ClassVar[str] = "outliers"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "outliers": Meaning(
            label="outliers",
            explanation="samples from held-out noise that lie alone (DBSCAN) or far out (z-score)",
            better="lower",
            measured_on="heldout",
            is_fraction=True,
        ),
        "outliers_fresh": Meaning(
            label="outliers, fresh noise",
            explanation="the same from noise of no pair; a denser set has fewer, so only sets of "
            "one size compare",
            better="lower",
            measured_on="fresh",
            is_fraction=True,
        ),
    }

    eps: float = Field(0.15, gt=0)  # data units; the paper's distance threshold (App. E.6)
    min_samples: int = Field(5, ge=1)  # neighbours within eps, itself included, of a core point
    max_zscore: float = Field(3.0, gt=0)  # standard deviations from the mean, on any axis

    def measure(self, samples: EvaluationSamples) -> dict[str, float]:
        """Two fractions in [0, 1]."""
        return {
            "outliers": float(np.mean(self.find(samples.x_0_hat))),
            "outliers_fresh": float(np.mean(self.find(samples.fresh_x_0_hat))),
        }

    def deviations(self, samples: EvaluationSamples) -> dict[str, tuple[float, ...]]:
        """Those of two shares; a sample that is an outlier in its set stays one in every resample.

        Measured again, a repeated sample would have itself as a neighbour.
        """
        return {
            "outliers": resampled_mean(self.find(samples.x_0_hat), samples.label),
            "outliers_fresh": resampled_mean(self.find(samples.fresh_x_0_hat), samples.fresh_label),
        }

    def find(self, points: Points) -> NDArray[np.bool_]:
        """Which of `points` ([n, *shape]) are outliers, bool [n]."""
        flat = points.reshape(len(points), -1).astype(np.float64)
        return self._is_alone(flat) | self._is_far_out(flat)

    def _is_alone(self, flat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """DBSCAN's noise points among float64 [n, d], bool [n]."""
        from scipy.spatial import cKDTree  # half a second, which listing numbers need not wait for

        # DBSCAN's label -1 (Ester et al. 1996): not a core point, and no core point within eps.
        tree = cKDTree(flat)
        num_near = tree.query_ball_point(flat, self.eps, return_length=True)
        is_core = np.asarray(num_near) >= self.min_samples
        if not is_core.any():
            return np.ones(len(flat), np.bool_)
        distance, _ = cKDTree(flat[is_core]).query(flat)
        return np.asarray(distance > self.eps)

    def _is_far_out(self, flat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of [n, d] are beyond `max_zscore` on any axis, bool [n]."""
        spread = flat.std(axis=0)
        distance = np.abs(flat - flat.mean(axis=0))
        return np.asarray((distance > self.max_zscore * spread).any(axis=1))
