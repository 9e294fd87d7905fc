"""The kernel distance of two sets of features: MMD² with a cubic kernel (Bińkowski et al. 2018, KID).

With k(x, y) = (xᵀy/d + 1)³ and m rows x_i of one set and y_j of the other (Gretton et al. 2012, Eq. 3):

    MMD² = Σ_{i≠j} (k(x_i, x_j) + k(y_i, y_j)) / (m(m − 1)) − 2 Σ_ij k(x_i, y_j) / m².

It is unbiased at every m, so small sets may be compared with large ones, and it may be below 0 if two
sets are of one distribution. As published it is the mean over S subsets of m rows, drawn from either
set without replacement: its work grows with S m², not with n².

A resample of the first set's rows moves it, to first order, as the mean of these shares does, with the
mean over j within each subset s that row i was drawn for, and less the mean of h:

    φ_i = n/(S m) Σ_{s∋i} h_is,   h_is = 2 (mean_{j≠i} k(x_i, x_j) − mean_j k(x_i, y_j)).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.feature_rows import Features

Matrix = NDArray[np.float64]


class KernelDistance(NamedTuple):
    """The mean over subsets, and what each row of the first set adds to it about the mean."""

    value: float
    shares: NDArray[np.float64]  # [n]


def kernel_distance(
    features: Features,
    reference: Features,
    *,
    num_subsets: int = 100,
    subset_size: int = 1_000,
    seed: int = 2020,
) -> KernelDistance:
    """KID of features [n, d] and [m, d]; subsets are torch-fidelity's, draw for draw.

    A set of fewer rows than `subset_size` is taken whole, as clean-fid does. A ValueError if it has
    fewer than two.
    """
    subset_size = min(subset_size, len(features), len(reference))
    require_two(subset_size)
    stream = np.random.RandomState(seed)
    total, weights, sums = 0.0, np.zeros(len(features)), np.zeros(len(features))
    for _ in range(num_subsets):
        own, others = (
            stream.choice(len(each), subset_size, replace=False) for each in (features, reference)
        )
        value, rows = _of_subset(
            *(each.astype(np.float64) for each in (features[own], reference[others]))
        )
        total += value
        weights[own] += 1
        sums[own] += rows
    centred = sums - weights * (sums.sum() / weights.sum())
    scale = len(features) / (num_subsets * subset_size)
    return KernelDistance(total / num_subsets, centred * scale)


def require_two(count: int) -> None:
    """A ValueError if a set has no two rows."""
    if count < 2:
        raise ValueError("a kernel distance needs two samples and two real pictures; measure more")


def _of_subset(x: Matrix, y: Matrix) -> tuple[float, NDArray[np.float64]]:
    """MMD² of two sets of m rows, [m, d] each, and h [m] of the first."""
    num, dimension = x.shape
    within, across = _kernel(x, x, dimension), _kernel(x, y, dimension)
    others = _kernel(y, y, dimension)
    own = within.sum(axis=1) - within.diagonal()
    pairs = num * (num - 1)
    value = (own.sum() + others.sum() - np.trace(others)) / pairs - 2 * across.mean()
    return float(value), 2 * (own / (num - 1) - across.mean(axis=1))


def _kernel(x: Matrix, y: Matrix, dimension: int) -> Matrix:
    """k(x_i, y_j) of rows [a, d] and [b, d]: [a, b]."""
    products: Matrix = x @ y.T / dimension + 1
    return products * products * products
