"""Do samples lie where real pictures are, and the other way round? By balls around each row of a set.

With real features y_j (m rows), samples x_i (n rows) and r_k(·) a row's distance to its k-th nearest
neighbour in its own set, B(y) the ball of radius r_k(y) about y (Kynkäänniemi et al. 2019; Naeem et
al. 2020):

    precision = (1/n) Σ_i 1[x_i ∈ ∪_j B(y_j)],      density  = (1/kn) Σ_i Σ_j 1[x_i ∈ B(y_j)],
    recall    = (1/m) Σ_j 1[y_j ∈ ∪_i B(x_i)],      coverage = (1/m) Σ_j 1[∃i: x_i ∈ B(y_j)].

One outlier of a set has a large ball that takes in everything: precision and recall forgive it, which
density and coverage don't do for outliers among the samples. Density may be above 1.

A ball is closed for precision and recall (as in the first paper's code) and open for the other two (as
in the second's); it matters for copies only. `squared_distances` decides as float64 would.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.feature_rows import Features
from kdm.metrics.squared_distances import SquaredDistances

Matrix = NDArray[np.float64]


class Neighbourhoods(NamedTuple):
    """Row by row; the means are precision, recall, density and coverage."""

    precise: NDArray[np.bool_]  # [n] samples in a real picture's ball
    recalled: NDArray[np.bool_]  # [m] real pictures in a sample's ball
    density: NDArray[np.float64]  # [n] real balls a sample is in, over k
    covered: NDArray[np.bool_]  # [m] real pictures with a sample in their ball


def neighbourhoods(
    features: Features, reference: Features, *, num_neighbours: int
) -> Neighbourhoods:
    """Of samples [n, d] and real features [m, d]; a ValueError if a set has too few rows."""
    fewest = min(len(features), len(reference))
    if fewest <= num_neighbours:
        raise ValueError(
            f"sets of {len(features):,} and {len(reference):,} rows don't have {num_neighbours} "
            f"neighbours of each; measure more samples, or set num_neighbours to less than {fewest:,}"
        )
    own, real = (
        SquaredDistances(each, each).radii(num_neighbours) for each in (features, reference)
    )
    found = Neighbourhoods(
        np.zeros(len(features), np.bool_),
        np.zeros(len(reference), np.bool_),
        np.zeros(len(features)),
        np.zeros(len(reference), np.bool_),
    )
    for block in SquaredDistances(features, reference).blocks():
        rows, columns = block.rows, block.columns
        in_real, inside_real = block.within(real[columns][None, :])
        in_own, _ = block.within(own[rows][:, None])
        found.precise[rows] |= in_real.any(axis=1)
        found.density[rows] += inside_real.sum(axis=1) / num_neighbours
        found.recalled[columns] |= in_own.any(axis=0)
        found.covered[columns] |= inside_real.any(axis=0)
    return found
