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

from kdm.metrics.feature_rows import Features, blocks

_FLAT = 1e-10  # of the largest eigenvalue: directions that a sample doesn't reach


class Moments(NamedTuple):
    """The mean μ [d] and the covariance Σ [d, d] (divided by n − 1) of a set of features."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


class Compared(NamedTuple):
    """A squared distance, and what each row of the compared set adds to it about the mean."""

    value: float
    shares: NDArray[np.float64]  # φ [n]


def frechet_distance(features: Features | Moments, reference: Features | Moments) -> float:
    """d² of two sets, each [n, d] with at least two rows or its moments; clean-fid's within round-off.

    It is at least 0, and grows as sets get smaller: compare sets of one size, or a large one.
    """
    return FrechetTo(reference)(features)


class FrechetTo:
    """The distances of many sets from one, of which all that they share is worked out once."""

    def __init__(self, reference: Features | Moments) -> None:
        """`reference` is [m, d], or the moments of a set."""
        self._mean, self._covariance = moments_of(reference)
        values, vectors = np.linalg.eigh(self._covariance)
        self._root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
        self._last: tuple[Features, Compared] | None = None

    def __call__(self, features: Features | Moments) -> float:
        """d² of [n, d], or of a set with these moments."""
        moments = moments_of(features)
        # tr (Σ_1 Σ_2)^½ by the symmetric Σ_2^½ Σ_1 Σ_2^½, which has the same eigenvalues.
        product = self._root @ moments.covariance @ self._root
        return self._distance(moments, np.linalg.eigvalsh(product))

    def compared(self, features: Features) -> Compared:
        """d² of [n, d] with its rows' shares; of the set that came last they are known."""
        if self._last is None or self._last[0] is not features:
            self._last = features, self._compared(features)
        return self._last[1]

    def shares(self, features: Features) -> NDArray[np.float64]:
        """φ [n] of the rows of [n, d], about their mean: what each adds to d², to first order."""
        return self.compared(features).shares

    def _distance(self, moments: Moments, values: NDArray[np.float64]) -> float:
        spread = np.trace(moments.covariance) + np.trace(self._covariance)
        apart = ((moments.mean - self._mean) ** 2).sum()
        return float(max(apart + spread - 2 * np.sqrt(values.clip(0)).sum(), 0.0))

    def _compared(self, features: Features) -> Compared:
        moments = moments_of(features)
        values, vectors = np.linalg.eigh(self._root @ moments.covariance @ self._root)
        is_reached = values > _FLAT * max(float(values.max()), 0.0)
        half = self._root @ vectors[:, is_reached] / values[is_reached] ** 0.25
        shares = np.empty(len(features))
        for rows, block in blocks(features):
            centred = block - moments.mean
            lengths, mapped = (centred**2).sum(axis=1), ((centred @ half) ** 2).sum(axis=1)
            shares[rows] = 2 * centred @ (moments.mean - self._mean) + lengths - mapped
        return Compared(self._distance(moments, values), shares - shares.mean())


def moments_of(features: Features | Moments) -> Moments:
    """Of features [n, d], at least two rows, all finite; moments stay as they are."""
    if isinstance(features, Moments):
        return features
    if len(features.shape) != 2 or len(features) < 2:
        raise ValueError(f"features are {list(features.shape)}; give at least two rows")
    if isinstance(features, np.ndarray) and features.dtype == np.float64:
        moments = Moments(features.mean(0), np.atleast_2d(np.cov(features, rowvar=False)))
    else:
        moments = _by_blocks(features)
    if not np.isfinite(moments.covariance).all():
        raise ValueError("features are not all finite; give finite rows")
    return moments


def _by_blocks(features: Features) -> Moments:
    """In two sweeps, so that squares are about the mean and lose no digits."""
    dimension = features.shape[1]
    mean, covariance = np.zeros(dimension), np.zeros((dimension, dimension))
    for _, block in blocks(features):
        mean += block.sum(axis=0) / len(features)
    for _, block in blocks(features):
        block -= mean
        covariance += block.T @ block
    return Moments(mean, covariance / (len(features) - 1))
