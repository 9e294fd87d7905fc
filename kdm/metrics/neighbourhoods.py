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
from kdm.metrics.squared_distances import DistanceBlock, SquaredDistances

Matrix = NDArray[np.float64]


class Neighbourhoods(NamedTuple):
    """Row by row; the means are precision, recall, density and coverage."""

    precise: NDArray[np.bool_]  # [n] samples in a real picture's ball
    recalled: NDArray[np.bool_]  # [m] real pictures in a sample's ball
    density: NDArray[np.float64]  # [n] real balls a sample is in, over k
    covered: NDArray[np.bool_]  # [m] real pictures with a sample in their ball
    recall_shares: Matrix  # [n] what each sample adds to recall, and to coverage
    coverage_shares: Matrix  # [n]


def neighbourhoods(
    features: Features, reference: Features, *, num_neighbours: int
) -> Neighbourhoods:
    """Of samples [n, d] and real features [m, d]; a ValueError if a set has too few rows."""
    require_neighbours(min(len(features), len(reference)), num_neighbours)
    own, real = (
        SquaredDistances(each, each).radii(num_neighbours) for each in (features, reference)
    )
    precise, density = np.zeros(len(features), np.bool_), np.zeros(len(features))
    recalled, covered = _Holders(len(reference)), _Holders(len(reference))
    for block in SquaredDistances(features, reference).blocks():
        rows, columns = block.rows, block.columns
        in_real, inside_real = block.within(real[columns][None, :])
        in_own, _ = block.within(own[rows][:, None])
        precise[rows] |= in_real.any(axis=1)
        density[rows] += inside_real.sum(axis=1) / num_neighbours
        recalled.add(in_own, block)
        covered.add(inside_real, block)
    return Neighbourhoods(
        precise,
        recalled.number > 0,
        density,
        covered.number > 0,
        *(each.shares(len(features)) for each in (recalled, covered)),
    )


class _Holders:
    """How many samples hold each real picture, and which one holds it if it is one alone.

    Without that sample the picture would be lost. n/m times the number of pictures that a sample holds
    alone is what it adds to their share, by the jackknife (Efron & Stein 1981).
    """

    def __init__(self, num_real: int) -> None:
        self.number = np.zeros(num_real, np.int64)
        self._last = np.zeros(num_real, np.int64)

    def add(self, is_held: NDArray[np.bool_], block: DistanceBlock) -> None:
        """Of a block's rows of samples and columns of real pictures."""
        self.number[block.columns] += is_held.sum(axis=0)
        (some,) = np.nonzero(is_held.any(axis=0))
        self._last[block.columns.start + some] = block.rows.start + is_held[:, some].argmax(axis=0)

    def shares(self, num_samples: int) -> Matrix:
        """What each sample adds, [n]."""
        alone = self._last[self.number == 1]
        counts = np.bincount(alone, minlength=num_samples).astype(np.float64)
        return counts * (num_samples / len(self.number))


def require_neighbours(count: int, num_neighbours: int) -> None:
    """A ValueError if rows of so many don't have as many neighbours."""
    if count <= num_neighbours:
        raise ValueError(
            f"{count:,} samples or real pictures don't have {num_neighbours} neighbours each; measure "
            f"more, or set num_neighbours to less than {count:,}"
        )
