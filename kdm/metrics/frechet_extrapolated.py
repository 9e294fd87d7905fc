"""The Fréchet distance of a set without end, from a finite one (Chong & Forsyth 2020, FID∞).

The distance of n samples is above its limit by about c/n, and c differs between generators. So it is
measured at K sizes n_1 … n_K, evenly spaced from n/10 (or d + 1, if that is more) to n, each on rows
drawn without replacement, and a line over 1/n is fitted by least squares:

    d²(n_k) ≈ d²_∞ + c / n_k;   d²_∞ = Σ_k a_k d²(n_k),  Σ_k a_k = 1,

with a_k those of the intercept. To first order a resample moves it as the mean of the rows' shares φ_i
of `FrechetTo` does, each row weighted by Σ_k a_k n/n_k over the sizes k that it was drawn for.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.feature_rows import ChosenRows, Features
from kdm.metrics.frechet import FrechetTo


class Extrapolated(NamedTuple):
    """The intercept, the slope c of the line, and what each row adds to the first."""

    value: float
    slope: float
    shares: NDArray[np.float64]  # [n], their mean is 0


def extrapolated_frechet(
    features: Features, to_real: FrechetTo, *, num_sizes: int = 15, seed: int = 0
) -> Extrapolated:
    """d²_∞ of [n, d]; a ValueError unless there are more rows than sizes and dimensions need."""
    num_rows, dimension = features.shape
    sizes = extrapolation_sizes(num_rows, dimension, num_sizes)
    stream = np.random.RandomState(seed)
    drawn = [stream.permutation(len(features))[:size] for size in sizes]
    distances = np.array([to_real(ChosenRows(features, np.sort(rows))) for rows in drawn])
    design = np.stack([np.ones(num_sizes), 1 / np.array(sizes)], axis=1)
    weights = np.linalg.pinv(design)  # [2, K]: of the intercept and of the slope
    counts = np.zeros(len(features))
    for rows, weight, size in zip(drawn, weights[0], sizes, strict=True):
        counts[rows] += weight * len(features) / size
    shares = counts * to_real.shares(features)
    value, slope = weights @ distances
    return Extrapolated(float(value), float(slope), shares - shares.mean())


def extrapolation_sizes(num_rows: int, dimension: int, num_sizes: int) -> list[int]:
    """n_1 … n_K for n rows of d features; a ValueError if they are too few for a line."""
    least = max(num_rows // 10, dimension + 1)
    if num_rows < least + num_sizes:
        raise ValueError(
            f"{num_rows:,} samples of {dimension:,} features are too few to extrapolate over "
            f"{num_sizes} sizes from {least:,}; measure at least {least + num_sizes:,}"
        )
    return [int(size) for size in np.linspace(least, num_rows, num_sizes)]
