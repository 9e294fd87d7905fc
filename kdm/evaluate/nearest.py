"""How far samples lie from the nearest of a reference set: exact, and fast in many dimensions.

    δ_i = min_j ‖a_i − b_j‖,  a [n, d],  b [m, d].

From about ten dimensions on, a tree gains nothing over comparing all pairs. There ‖a − b‖² = ‖a‖² +
‖b‖² − 2 aᵀb finds the nearest by one product of matrices, and its distance is then computed from the
difference a − b, so that a copy has exactly 0: a student that copies training pictures shows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAX_BYTES = 2**27  # of one block of distances, 128 MiB


def nearest_distances(samples: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float64]:
    """The Euclidean distance of each of [n, *shape] to the nearest of [m, *shape], float64 [n]."""
    points, others = _flat(samples), _flat(reference)
    squares = np.einsum("ij,ij->i", others, others)  # without a copy of a large set
    num_rows = max(1, _MAX_BYTES // (8 * len(others)))
    parts = [
        _nearest(points[first : first + num_rows], others, squares)
        for first in range(0, len(points), num_rows)
    ]
    return np.concatenate([np.empty(0), *parts])


def _nearest(
    points: NDArray[np.float64], others: NDArray[np.float64], squares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """δ [n] for points [n, d]; `squares` [m] are ‖b‖²."""
    # ‖a‖² is the same for all b and left out.
    nearest = (squares - 2 * (points @ others.T)).argmin(axis=1)
    return np.asarray(np.sqrt(((points - others[nearest]) ** 2).sum(axis=1)))


def _flat(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Samples [n, *shape] as float64 [n, d]."""
    num_values = int(np.prod(samples.shape[1:]))
    return np.asarray(samples, np.float64).reshape(len(samples), num_values)
