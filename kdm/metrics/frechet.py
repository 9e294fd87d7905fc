"""The Fréchet distance between two sets of features, each taken for a normal distribution.

With means μ_1, μ_2 [d] and covariances Σ_1, Σ_2 [d, d] of the two sets:

    d² = ‖μ_1 − μ_2‖² + tr(Σ_1 + Σ_2 − 2 (Σ_1 Σ_2)^½)   (Dowson & Landau 1982; Heusel et al. 2017, Eq. 6).

It is 0 if both have the same mean and covariance, and its unit is that of the squared features, so
only numbers over the same features compare. FID is this number over Inception's features and over no
others. Both moments are estimated from n samples, which raises d² as n falls: compare sets of one size.
"""

import numpy as np
from numpy.typing import NDArray


def frechet_distance(features: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """d² of [n, d] and [m, d], each with at least two rows; clean-fid's number within round-off.

    It is at least 0, and grows as sets get smaller: compare sets of one size, or a large one.
    """
    return FrechetTo(reference)(features)


class FrechetTo:
    """The distances of many sets from one, of which all that they share is worked out once."""

    def __init__(self, reference: NDArray[np.float64]) -> None:
        """`reference` is [m, d]."""
        self._mean, self._covariance = _normal(reference)
        values, vectors = np.linalg.eigh(self._covariance)
        self._root = (vectors * np.sqrt(values.clip(0))) @ vectors.T

    def __call__(self, features: NDArray[np.float64]) -> float:
        """d² of [n, d]."""
        mean, covariance = _normal(features)
        # tr (Σ_1 Σ_2)^½ by the symmetric Σ_2^½ Σ_1 Σ_2^½, which has the same eigenvalues.
        product = self._root @ covariance @ self._root
        shared = np.sqrt(np.linalg.eigvalsh(product).clip(0)).sum()
        spread = np.trace(covariance) + np.trace(self._covariance) - 2 * shared
        return float(max(((mean - self._mean) ** 2).sum() + spread, 0.0))


def _normal(features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean [d] and covariance [d, d] (divided by n − 1) of features [n, d]."""
    if features.ndim != 2 or len(features) < 2 or not np.isfinite(features).all():
        raise ValueError(
            f"features are {list(features.shape)}, or not all finite; give at least two finite rows"
        )
    return features.mean(0), np.atleast_2d(np.cov(features, rowvar=False))
