"""Which end of an imported trajectory is noise: found from the numbers, never from the order.

Noise is centred, has a Gaussian's third and fourth moments, and no correlation between neighbouring
numbers. A picture's neighbours correlate by more than .5; points in the plane have other moments.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.importers.whiteness import correlations

# A Gaussian sample of n numbers has skewness ± sqrt(6/n) and excess kurtosis ± sqrt(24/n); at the
# 10,000 numbers asked for, 0.15 is three standard deviations of the second. Uniform data has −1.2.
SHAPE_TOLERANCE = 0.15
MIN_NUMBERS = 10_000
# Beyond what chance gives: noise that was stored as float16 or reached by a step shows less.
WHITE_TOLERANCE = 0.02
# An end is data where it departs clearly; what lies between noise and data is neither.
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

    @property
    def looks_like_noise(self) -> bool:
        """Centred, symmetric, with a Gaussian's tails, and white."""
        is_white = abs(self.correlation) < WHITE_TOLERANCE + self.chance
        return is_white and self._departure < SHAPE_TOLERANCE

    @property
    def looks_like_data(self) -> bool:
        """Clearly no noise, by at least one of these."""
        is_coloured = abs(self.correlation) > CLEAR_CORRELATION + self.chance
        return is_coloured or self._departure > CLEAR_SHAPE

    @property
    def _departure(self) -> float:
        if self.std == 0:
            return np.inf
        return max(abs(self.mean) / self.std, abs(self.skewness), abs(self.excess_kurtosis))


class Ends(NamedTuple):
    """The two ends told apart, and the noise's standard deviation."""

    x_T: NDArray[Any]
    x_0: NDArray[Any]
    noise_scale: float

    def rows(self, first: int, last: int) -> "Ends":
        """The points of a half-open range."""
        return self._replace(x_T=self.x_T[first:last], x_0=self.x_0[first:last])


def tell_ends(first: NDArray[Any], last: NDArray[Any]) -> Ends:
    """The noise end and the data end, [n, *shape] each.

    Raises a ValueError with both ends' statistics where it is not clear.
    """
    statistics = (measure(first), measure(last))
    ends = Ends(first, last, 0.0) if noise_is_first(*statistics) else Ends(last, first, 0.0)
    std = statistics[0 if ends.x_T is first else 1].std
    return ends._replace(noise_scale=plain_scale(std, num_numbers=first.size))


def noise_is_first(first: End, last: End) -> bool:
    """Whether noise comes before data; a ValueError where exactly one end must be noise and is not."""
    noise = [end.looks_like_noise for end in (first, last)]
    data = [end.looks_like_data for end in (first, last)]
    if noise[0] and data[1]:
        return True
    if data[0] and noise[1]:
        return False
    lines = "; ".join(
        f"{name}: mean {end.mean:.3f}, std {end.std:.3f}, skewness {end.skewness:.3f}, excess "
        f"kurtosis {end.excess_kurtosis:.3f}, correlation of neighbours {end.correlation:.3f}"
        for name, end in zip(("first", "last"), (first, last), strict=True)
    )
    raise ValueError(
        f"cannot tell noise from data: {_which(noise)} ({lines}); exactly one must be white and "
        "Gaussian and the other clearly not: check that these are pairs of noise and data"
    )


def _which(noise: list[bool]) -> str:
    if all(noise):
        return "both ends look like noise"
    if any(noise):
        return "one end looks like noise, but the other is not clearly data"
    return "neither end looks like noise"


def measure(end: NDArray[Any]) -> End:
    """An end's statistics, [n, *shape]; a ValueError where it has NaN, Inf or too few numbers."""
    samples = np.asarray(end, np.float64)
    numbers = samples.ravel()
    if not np.isfinite(numbers).all():
        raise ValueError("the file holds NaN or Inf; imported pairs must be finite")
    if len(numbers) < MIN_NUMBERS:
        raise ValueError(
            f"an end holds {len(numbers):,} numbers; to tell noise from data it takes "
            f"{MIN_NUMBERS:,} at least"
        )
    mean, std = float(numbers.mean()), float(numbers.std())
    if std == 0:
        return End(mean, 0.0, np.inf, np.inf)
    unit = (numbers - mean) / std
    squares = unit * unit
    moments = float((squares * unit).mean()), float((squares * squares).mean() - 3)
    return End(mean, std, *moments, *_largest_correlation(samples))


def plain_scale(std: float, *, num_numbers: int) -> float:
    """The noise scale that was meant: it is a convention, the standard deviation is an estimate."""
    # Four standard errors of a standard deviation, and what rounding to float16 may add.
    tolerance = 0.001 + 4 / np.sqrt(2 * num_numbers)
    near = (plain for plain in PLAIN_SCALES if abs(std / plain - 1) < tolerance)
    return next(near, float(f"{std:.3g}"))


def _largest_correlation(samples: NDArray[np.float64]) -> tuple[float, float]:
    found = [(float(r[0]), 4 / np.sqrt(num)) for r, num in correlations(samples[None])]
    return max(found, key=lambda each: abs(each[0]) - each[1], default=(0.0, 0.0))
