"""The Fréchet distance between two sets of features, each taken for a normal distribution.

With means μ_1, μ_2 [d] and covariances Σ_1, Σ_2 [d, d] of the two sets:

    d² = ‖μ_1 − μ_2‖² + tr(Σ_1 + Σ_2 − 2 (Σ_1 Σ_2)^½)   (Dowson & Landau 1982; Heusel et al. 2017, Eq. 6).

It is 0 if both have the same mean and covariance, and its unit is that of the squared features, so
only numbers over the same features compare. FID is this number over Inception's features and over no
others. Both moments are estimated from n samples, which raises d² as n falls: compare sets of one size.

To first order in 1/n, d² moves with a resample of the rows x_i as the mean of these shares does
(∂d²/∂μ_1 = 2 (μ_1 − μ_2), ∂d²/∂Σ_1 = I − T with T the optimal map of N(μ_1, Σ_1) to N(μ_2, Σ_2)):

    φ_i = 2 (μ_1 − μ_2)ᵀ(x_i − μ_1) + (x_i − μ_1)ᵀ(I − T)(x_i − μ_1),
    T = Σ_2^½ (Σ_2^½ Σ_1 Σ_2^½)^-½ Σ_2^½.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_FLAT = 1e-10  # of the largest eigenvalue: directions that a sample doesn't reach


class Moments(NamedTuple):
    """The mean μ [d] and the covariance Σ [d, d] (divided by n − 1) of a set of features."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def frechet_distance(
    features: NDArray[np.float64] | Moments, reference: NDArray[np.float64] | Moments
) -> float:
    """d² of two sets, each [n, d] with at least two rows or its moments; clean-fid's within round-off.

    It is at least 0, and grows as sets get smaller: compare sets of one size, or a large one.
    """
    return FrechetTo(reference)(features)


class FrechetTo:
    """The distances of many sets from one, of which all that they share is worked out once."""

    def __init__(self, reference: NDArray[np.float64] | Moments) -> None:
        """`reference` is [m, d], or the moments of a set."""
        self._mean, self._covariance = moments_of(reference)
        values, vectors = np.linalg.eigh(self._covariance)
        self._root = (vectors * np.sqrt(values.clip(0))) @ vectors.T

    def __call__(self, features: NDArray[np.float64] | Moments) -> float:
        """d² of [n, d], or of a set with these moments."""
        mean, covariance = moments_of(features)
        # tr (Σ_1 Σ_2)^½ by the symmetric Σ_2^½ Σ_1 Σ_2^½, which has the same eigenvalues.
        product = self._root @ covariance @ self._root
        shared = np.sqrt(np.linalg.eigvalsh(product).clip(0)).sum()
        spread = np.trace(covariance) + np.trace(self._covariance) - 2 * shared
        return float(max(((mean - self._mean) ** 2).sum() + spread, 0.0))

    def shares(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """φ [n] of the rows of [n, d], about their mean: what each adds to d², to first order."""
        mean, covariance = moments_of(features)
        values, vectors = np.linalg.eigh(self._root @ covariance @ self._root)
        is_reached = values > _FLAT * max(float(values.max()), 0.0)
        half = self._root @ vectors[:, is_reached] / values[is_reached] ** 0.25
        centred = features - mean
        lengths, mapped = (centred**2).sum(axis=1), ((centred @ half) ** 2).sum(axis=1)
        shares = 2 * centred @ (mean - self._mean) + lengths - mapped
        return np.asarray(shares - shares.mean())


def moments_of(features: NDArray[np.float64] | Moments) -> Moments:
    """Of features [n, d], at least two rows, all finite; moments stay as they are."""
    if isinstance(features, Moments):
        return features
    if features.ndim != 2 or len(features) < 2 or not np.isfinite(features).all():
        raise ValueError(
            f"features are {list(features.shape)}, or not all finite; give at least two finite rows"
        )
    return Moments(features.mean(0), np.atleast_2d(np.cov(features, rowvar=False)))
