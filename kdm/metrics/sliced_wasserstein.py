"""Sliced Wasserstein-1: the mean over directions of a 1-D distance (Rabin et al. 2011; Bonneel et al. 2015).

For two sets of n samples and unit vectors θ_1 … θ_K, uniform on the sphere:

    SW1 = (1/K) Σ_k W1({θ_kᵀa_i}, {θ_kᵀb_i}),   W1(u, v) = (1/n) Σ_i |u_(i) − v_(i)|,

where u_(i) is the i-th smallest: in one dimension sorting is the cheapest plan. It is in data units
and says how far mass has to move along an average direction. Two finite sets of one distribution never
have 0; the distance between two sets of the teacher is what chance gives.

By the duality of Kantorovich and Rubinstein (Villani 2009, Remark 6.5) a distance is also a mean over
samples, Σ_i (f(b_i) − f(a_i)) / n, of a potential f that one sweep finds. So a resample costs one mean,
to first order: the potential is kept as it is.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.metrics.bootstrap import resampled_mean
from kdm.metrics.metric import Meaning, Metric
from kdm.metrics.samples import EvaluationSamples, Points


class SlicedWasserstein(Metric):
    """SW1 to the teacher, on its own noise (sampling noise cancels) and on fresh noise."""

    plugin: ClassVar[str] = "sliced-wasserstein"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "sw1_same_noise": Meaning(
            label="SW1, same noise",
            explanation="sliced Wasserstein-1 distance to the teacher's samples from the same "
            "noise; the teacher's is 0 by construction",
            better="lower",
            measured_on="heldout",
        ),
        "sw1_fresh": Meaning(
            label="SW1, fresh noise",
            explanation="the same between fresh samples and other samples of the teacher; the "
            "teacher's is the distance between two disjoint sets of its own samples, and it can't "
            "tell good students apart",
            better="lower",
            measured_on="fresh",
            is_ranked=False,
        ),
    }

    num_directions: int = Field(512, ge=1)  # random lines that samples are projected on
    seed: int = Field(0, ge=0, le=2**64 - 1)  # of the directions, fixed for every student

    def measure(self, samples: EvaluationSamples) -> dict[str, float]:
        """Two distances in data units."""
        directions = self.directions(samples.x_0[0].size)
        return {
            "sw1_same_noise": sliced_distance(samples.x_0_hat, samples.x_0, directions=directions),
            "sw1_fresh": sliced_distance(
                samples.fresh_x_0_hat, samples.reference, directions=directions
            ),
        }

    def deviations(self, samples: EvaluationSamples) -> dict[str, tuple[float, ...]]:
        """Those of the distance on the same noise; the other one ranks nobody."""
        directions = self.directions(samples.x_0[0].size)
        shares = sliced_shares(samples.x_0_hat, samples.x_0, directions=directions)
        return {"sw1_same_noise": resampled_mean(shares, samples.label)}

    def directions(self, num_values: int) -> NDArray[np.float64]:
        """Unit vectors, [num_directions, num_values], uniform on the sphere, the same for ever."""
        stream = np.random.RandomState(np.random.Philox(key=np.array([self.seed, 0], np.uint64)))
        drawn = stream.standard_normal((self.num_directions, num_values))
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def sliced_distance(left: Points, right: Points, *, directions: NDArray[np.float64]) -> float:
    """Mean over directions of W1 between two sets of one size, both [n, *shape].

    In one dimension the cheapest plan pairs the sorted values, so W1 = mean |sorted − sorted|.
    """
    projected = [np.sort(_projections(points, directions), axis=1) for points in (left, right)]
    return float(np.abs(projected[0] - projected[1]).mean())


def sliced_shares(
    left: Points, right: Points, *, directions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What each row of two sets, both [n, *shape], adds to their distance: [n], whose mean it is."""
    projected = [_projections(points, directions) for points in (left, right)]
    shares: NDArray[np.float64] = np.mean(
        [_shares(*each) for each in zip(*projected, strict=True)], 0
    )
    return shares


def _shares(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each row adds to W1 of values [n] and [n] in one dimension, float64 [n].

    The potential f has slope sign(F_left − F_right) between neighbouring values, with F the shares below.
    """
    num = len(left)
    values = np.concatenate([left, right])
    order = np.argsort(values, kind="stable")
    # If more of `left` than of `right` is below, the potential rises; if less, it falls.
    ahead = np.cumsum(np.where(order < num, 1, -1))[:-1]
    potential = np.empty(2 * num)
    potential[order] = np.concatenate([[0.0], np.cumsum(np.sign(ahead) * np.diff(values[order]))])
    return potential[num:] - potential[:num]


def _projections(points: Points, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """θ_kᵀx_i: [num_directions, n] of points [n, *shape]."""
    return np.asarray(directions @ points.reshape(len(points), -1).astype(np.float64).T)
