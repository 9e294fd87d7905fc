"""Whether one end of a trajectory looks like Gaussian noise: its moments, and its neighbours' correlation."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.importers.whiteness import correlations

# A Gaussian sample of n numbers has skewness ± sqrt(6/n) and excess kurtosis ± sqrt(24/n). Uniform
# data has −1.2.
SHAPE_TOLERANCE = 0.15
# Few numbers show more than the tolerance by chance, so noise may show as many standard errors.
NOISE_ERRORS, DATA_ERRORS = 5, 6
# Beyond what chance gives: noise that was stored as float16 or reached by a step shows less.
WHITE_TOLERANCE = 0.02
# An end is data if it departs clearly; anything between noise and data is neither.
CLEAR_SHAPE, CLEAR_CORRELATION = 0.3, 0.2
# Flow matching; EDM (Karras et al. 2022, Table 1); EDM's sampler on iDDPM's nearest noise level.
PLAIN_SCALES = (1.0, 80.0, 80.2037)


class End(NamedTuple):
    """One end's statistics over all its numbers."""

    mean: float
    std: float
    skewness: float
    excess_kurtosis: float
    correlation: float = 0.0  # between neighbouring numbers about zero, the largest over the axes
    chance: float = 0.0  # what noise of as many numbers may show of it
    num_numbers: int = 10**9

    @property
    def looks_like_noise(self) -> bool:
        """Centred, symmetric, with a Gaussian's tails, and white."""
        is_white = abs(self.correlation) < WHITE_TOLERANCE + self.chance
        return is_white and self._departure < max(SHAPE_TOLERANCE, NOISE_ERRORS * self._error)

    @property
    def looks_like_data(self) -> bool:
        """Clearly not noise, by at least one of these."""
        is_coloured = abs(self.correlation) > CLEAR_CORRELATION + self.chance
        return is_coloured or self._departure > max(CLEAR_SHAPE, DATA_ERRORS * self._error)

    @property
    def _error(self) -> float:
        """The standard error of the excess kurtosis, the least certain of the moments."""
        return float(np.sqrt(24 / self.num_numbers))

    @property
    def _departure(self) -> float:
        if self.std == 0:
            return np.inf
        return max(abs(self.mean) / self.std, abs(self.skewness), abs(self.excess_kurtosis))


def measure(end: NDArray[Any]) -> End:
    """An end's statistics, [n, *shape]; a ValueError if it has NaN or Inf, or nothing."""
    samples = np.asarray(end, np.float64)
    numbers = samples.ravel()
    if not np.isfinite(numbers).all():
        raise ValueError("the file holds NaN or Inf; imported pairs must be finite")
    if not len(numbers):
        raise ValueError("the file holds no finite pair; imported pairs must be finite")
    mean, std = float(numbers.mean()), float(numbers.std())
    if std == 0:
        return End(mean, 0.0, np.inf, np.inf, num_numbers=len(numbers))
    unit = (numbers - mean) / std
    squares = unit * unit
    moments = float((squares * unit).mean()), float((squares * squares).mean() - 3)
    return End(mean, std, *moments, *_largest_correlation(samples), num_numbers=len(numbers))


def plain_scale(std: float, *, num_numbers: int) -> float:
    """The noise scale that was meant: it is a convention, the standard deviation is an estimate."""
    # Four standard errors of a standard deviation, and what rounding to float16 may add.
    tolerance = 0.001 + 4 / np.sqrt(2 * num_numbers)
    near = (plain for plain in PLAIN_SCALES if abs(std / plain - 1) < tolerance)
    return next(near, float(f"{std:.3g}"))


def _largest_correlation(samples: NDArray[np.float64]) -> tuple[float, float]:
    found = [(float(r[0]), 4 / np.sqrt(num)) for r, num in correlations(samples[None])]
    return max(found, key=lambda each: abs(each[0]) - each[1], default=(0.0, 0.0))
