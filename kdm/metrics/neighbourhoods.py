"""Do samples lie where real pictures are, and the other way round? By balls around each row of a set.

With real features y_j (m rows), samples x_i (n rows) and r_k(·) a row's distance to its k-th nearest
neighbour in its own set, B(y) the ball of radius r_k(y) about y (Kynkäänniemi et al. 2019; Naeem et
al. 2020):

    precision = (1/n) Σ_i 1[x_i ∈ ∪_j B(y_j)],      density  = (1/kn) Σ_i Σ_j 1[x_i ∈ B(y_j)],
    recall    = (1/m) Σ_j 1[y_j ∈ ∪_i B(x_i)],      coverage = (1/m) Σ_j 1[∃i: x_i ∈ B(y_j)].

One outlier of a set has a large ball that takes in everything: precision and recall forgive it, which
density and coverage don't do for outliers among the samples. Density may be above 1.

A ball is closed for precision and recall (as in the first paper's code) and open for the other two (as
in the second's); it matters for copies only.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_MAX_BYTES = 2**26  # of one block of distances, 64 MiB
Matrix = NDArray[np.float64]


class Neighbourhoods(NamedTuple):
    """Row by row; the means are precision, recall, density and coverage."""

    precise: NDArray[np.bool_]  # [n] samples in a real picture's ball
    recalled: NDArray[np.bool_]  # [m] real pictures in a sample's ball
    density: NDArray[np.float64]  # [n] real balls a sample is in, over k
    covered: NDArray[np.bool_]  # [m] real pictures with a sample in their ball


def neighbourhoods(features: Matrix, reference: Matrix, *, num_neighbours: int) -> Neighbourhoods:
    """Of samples [n, d] and real features [m, d]; a ValueError if a set has too few rows."""
    fewest = min(len(features), len(reference))
    if fewest <= num_neighbours:
        raise ValueError(
            f"sets of {len(features):,} and {len(reference):,} rows don't have {num_neighbours} "
            f"neighbours of each; measure more samples, or set num_neighbours to less than {fewest:,}"
        )
    own, real = (_radii(each, num_neighbours) for each in (features, reference))
    found = Neighbourhoods(
        np.zeros(len(features), np.bool_),
        np.zeros(len(reference), np.bool_),
        np.zeros(len(features)),
        np.zeros(len(reference), np.bool_),
    )
    for rows, squares in _blocks(features, reference):
        found.precise[rows] = (squares <= real).any(axis=1)
        found.density[rows] = (squares < real).sum(axis=1) / num_neighbours
        np.logical_or(found.recalled, (squares <= own[rows, None]).any(axis=0), out=found.recalled)
        np.logical_or(found.covered, (squares < real).any(axis=0), out=found.covered)
    return found


def _radii(features: Matrix, num_neighbours: int) -> NDArray[np.float64]:
    """r_k² [n] of each row of [n, d], itself left out."""
    radii = np.empty(len(features))
    for rows, squares in _blocks(features, features):
        own = np.arange(rows.start, rows.start + len(squares))
        squares[np.arange(len(squares)), own] = -1.0  # the first, before any copy of it
        radii[rows] = np.partition(squares, num_neighbours, axis=1)[:, num_neighbours]
    return radii


def _blocks(left: Matrix, right: Matrix) -> Iterator[tuple[slice, Matrix]]:
    """Rows of [n, d] by blocks, with their squared distances [rows, m] to [m, d]."""
    squares = np.einsum("ij,ij->i", right, right)
    num_rows = max(1, _MAX_BYTES // (8 * len(right)))
    for first in range(0, len(left), num_rows):
        block = left[first : first + num_rows]
        lengths = np.einsum("ij,ij->i", block, block)[:, None]
        yield (
            slice(first, first + len(block)),
            (lengths + squares - 2 * (block @ right.T)).clip(0),
        )
