"""The best linear map from noise to data, one for each class: the least that a student must beat.

Ridge regression (Hoerl & Kennard 1970), for each class y over its training pairs:

    A_y = argmin_A E‖x_0 − μ_0 − A (x_T − μ_T)‖² + λ σ² ‖A‖²,   x_0 ≈ A_y (x_T − μ_T) + μ_0,

where σ² is the mean variance of the noise and λ is chosen from six values on a fifth of the pairs that
are held back. At high noise, the map that a teacher follows is close to linear, so an error of a
student says little before it is compared with this one's.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.records import PairBatch, as_numbers

MAX_PAIRS = 30_000  # to learn from; at 3,000 for each of ten classes, 64 pixels have enough
_RIDGES = (1e-6, 1e-4, 1e-2, 1e-1, 1.0, 10.0)  # in units of the noise's variance
_HELD_BACK = 5  # one pair of so many chooses the ridge
Matrix = NDArray[np.float64]


def linear_predictions(train: PairBatch, heldout: PairBatch) -> NDArray[np.float32]:
    """What each class's map makes of held-out noise: float32 [n, *shape].

    A set without labels is one class. A ValueError names a class that `train` has too few pairs of.
    """
    train = train.take(slice(MAX_PAIRS))
    predicted = np.empty(heldout.x_0.shape, np.float32)
    labels, wanted = _labels(train), _labels(heldout)
    for label in np.unique(wanted):
        chosen, known = wanted == label, labels == label
        if np.count_nonzero(known) < 2 * _HELD_BACK:
            raise ValueError(
                f"class {label} has {np.count_nonzero(known)} training pairs; its linear map needs at "
                f"least {2 * _HELD_BACK}: generate more pairs"
            )
        x_T, x_0 = _rows(train.x_T[known]), _rows(train.x_0[known])
        found = _Ridge(x_T, x_0)(_rows(heldout.x_T[chosen]), _best_ridge(x_T, x_0))
        predicted[chosen] = found.reshape(-1, *predicted.shape[1:])
    return predicted


class _Ridge:
    """The maps of all ridges at once: they share the eigenvectors of the noise's second moments."""

    def __init__(self, x_T: Matrix, x_0: Matrix) -> None:
        self.mean_T, self.mean_0 = x_T.mean(axis=0), x_0.mean(axis=0)
        noise = x_T - self.mean_T
        self.values, self.vectors = np.linalg.eigh(noise.T @ noise / len(x_T))
        self.shared = self.vectors.T @ (noise.T @ (x_0 - self.mean_0) / len(x_T))

    def __call__(self, x_T: Matrix, ridge: float) -> Matrix:
        """x_0 of noise [n, values]."""
        strength = ridge * float(self.values.mean())
        weights = self.vectors @ (self.shared / (self.values + strength)[:, None])
        mapped: Matrix = (x_T - self.mean_T) @ weights + self.mean_0
        return mapped


def _best_ridge(x_T: Matrix, x_0: Matrix) -> float:
    """The λ with the least squared error on every fifth pair; x_T and x_0 are [n, values]."""
    is_back = np.arange(len(x_T)) % _HELD_BACK == 0
    trial = _Ridge(x_T[~is_back], x_0[~is_back])
    errors = [((trial(x_T[is_back], ridge) - x_0[is_back]) ** 2).mean() for ridge in _RIDGES]
    return _RIDGES[int(np.argmin(errors))]


def _labels(pairs: PairBatch) -> NDArray[np.int64]:
    """The class of each pair, int64 [n]; all 0 without labels."""
    return np.zeros(len(pairs), np.int64) if pairs.label is None else pairs.label


def _rows(samples: NDArray[Any]) -> Matrix:
    """Samples [n, *shape] as float64 [n, values], bytes as numbers in −1 … 1."""
    return as_numbers(samples).reshape(len(samples), -1).astype(np.float64)
