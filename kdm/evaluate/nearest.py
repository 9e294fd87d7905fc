"""How far samples lie from the nearest of a reference set: exact, and quick in many dimensions.

A tree gains nothing over comparing all pairs from some ten dimensions on; there ‖a − b‖² =
‖a‖² + ‖b‖² − 2 aᵀb finds the nearest by one product of matrices, and its distance is then worked out
from the difference, so that a copy has exactly 0.
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
    # ‖a‖² is the same for all b and left out.
    nearest = (squares - 2 * (points @ others.T)).argmin(axis=1)
    return np.asarray(np.sqrt(((points - others[nearest]) ** 2).sum(axis=1)))


def _flat(samples: NDArray[Any]) -> NDArray[np.float64]:
    num_values = int(np.prod(samples.shape[1:]))
    return np.asarray(samples, np.float64).reshape(len(samples), num_values)
