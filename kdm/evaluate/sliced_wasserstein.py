"""Sliced Wasserstein-1: the mean over directions of the 1-D distance between two sets."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.evaluate.metric import Meaning, Metric
from kdm.evaluate.samples import EvaluationSamples, Points


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
            "teacher's is the distance between two disjoint sets of its own, and good students "
            "cannot be told apart by it",
            better="lower",
            measured_on="fresh",
            is_ranked=False,
        ),
    }

    num_directions: int = Field(512, ge=1)
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

    def directions(self, num_values: int) -> NDArray[np.float64]:
        """Unit vectors, [num_directions, num_values], uniform on the sphere, the same for ever."""
        stream = np.random.RandomState(np.random.Philox(key=np.array([self.seed, 0], np.uint64)))
        drawn = stream.standard_normal((self.num_directions, num_values))
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def sliced_distance(left: Points, right: Points, *, directions: NDArray[np.float64]) -> float:
    """Mean over directions of W1 between two sets of one size, both [n, *shape].

    In one dimension the cheapest plan pairs the sorted values, so W1 = mean |sorted − sorted|.
    """
    projected = [_sorted_projections(points, directions) for points in (left, right)]
    return float(np.abs(projected[0] - projected[1]).mean())


def _sorted_projections(points: Points, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = points.reshape(len(points), -1).astype(np.float64)
    return np.sort(directions @ flat.T, axis=1)
