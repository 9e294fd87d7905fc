"""How far samples lie from the nearest of a reference set: exact, and fast in many dimensions.

    δ_i = min_j ‖a_i − b_j‖,  a [n, d],  b [m, d].

From about ten dimensions on, a tree gains nothing over comparing all pairs. There ‖a − b‖² = ‖a‖² +
‖b‖² − 2 aᵀb finds the nearest by one product of matrices, and its distance is then computed from the
difference a − b, so that a copy has exactly 0: a student that copies training pictures shows.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAX_BYTES = 2**27  # of one block of distances, 128 MiB


def nearest_distances(samples: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float64]:
    """The Euclidean distance of each of [n, *shape] to the nearest of [m, *shape], float64 [n]."""
    points, others = _flat(samples), _flat(reference)
    parts = [
        np.asarray(np.sqrt(((some - others[rows]) ** 2).sum(axis=1)))
        for some, rows in _blocks(points, others)
    ]
    return np.concatenate([np.empty(0), *parts])


def nearest_rows(samples: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.int64]:
    """Which of [m, *shape] is the nearest to each of [n, *shape], int64 [n]; of equal ones the first."""
    parts = [rows for _, rows in _blocks(_flat(samples), _flat(reference))]
    return np.concatenate([np.empty(0, np.int64), *parts])


def _blocks(
    points: NDArray[np.float64], others: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Some of the points [k, d] at a time, and the nearest rows [k] of others [m, d]."""
    squares = np.einsum("ij,ij->i", others, others)  # without a copy of a large set
    num_rows = max(1, _MAX_BYTES // (8 * len(others)))
    for first in range(0, len(points), num_rows):
        some = points[first : first + num_rows]
        # ‖a‖² is the same for all b and left out.
        yield some, (squares - 2 * (some @ others.T)).argmin(axis=1)


def _flat(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Samples [n, *shape] as float64 [n, d]."""
    num_values = int(np.prod(samples.shape[1:]))
    return np.asarray(samples, np.float64).reshape(len(samples), num_values)
