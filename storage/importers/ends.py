"""Which end of an imported trajectory is noise: found from the numbers, else as the user states.

Noise is centred, has a Gaussian's third and fourth moments, and no correlation between neighbouring
numbers. A picture's neighbours correlate by more than .5; points in the plane have other moments.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.importers.whiteness import correlations

# A Gaussian sample of n numbers has skewness ± sqrt(6/n) and excess kurtosis ± sqrt(24/n). Uniform
# data has −1.2.
SHAPE_TOLERANCE = 0.15
# Few numbers show more than the tolerance by chance, so noise may show as many standard errors.
NOISE_ERRORS, DATA_ERRORS = 5, 6
# Six standard errors of the excess kurtosis are then .93: uniform data is still clearly not noise.
MIN_NUMBERS = 1000
# Beyond what chance gives: noise that was stored as float16 or reached by a step shows less.
WHITE_TOLERANCE = 0.02
# An end is data where it departs clearly; what lies between noise and data is neither.
CLEAR_SHAPE, CLEAR_CORRELATION = 0.3, 0.2
# Flow matching; EDM (Karras et al. 2022, Table 1); EDM's sampler on iDDPM's nearest noise level.
PLAIN_SCALES = (1.0, 80.0, 80.2037)

NoiseEnd = Literal["first", "last"]


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


class Ends(NamedTuple):
    """The two ends told apart, and the noise's standard deviation."""

    x_T: NDArray[Any]
    x_0: NDArray[Any]
    noise_scale: float
    is_stated: bool = False  # because the numbers do not tell

    def rows(self, first: int, last: int) -> "Ends":
        """The points of a half-open range."""
        return self._replace(x_T=self.x_T[first:last], x_0=self.x_0[first:last])


class Verdict(NamedTuple):
    """Which end is noise, and whether that was stated because the numbers do not tell."""

    noise_is_first: bool
    is_stated: bool = False


def tell_ends(first: NDArray[Any], last: NDArray[Any], *, stated: NoiseEnd | None = None) -> Ends:
    """The noise end and the data end, [n, *shape] each.

    Raises a ValueError with both ends' statistics where it is not clear and not stated.
    """
    statistics = (measure(first), measure(last))
    verdict = told(*statistics, stated=stated)
    x_T, x_0 = (first, last) if verdict.noise_is_first else (last, first)
    std = statistics[0 if verdict.noise_is_first else 1].std
    scale = plain_scale(std, num_numbers=first.size)
    return Ends(x_T, x_0, scale, verdict.is_stated)


def told(first: End, last: End, *, stated: NoiseEnd | None = None) -> Verdict:
    """Which end is noise: by the numbers where they tell, else as stated.

    Raises a ValueError where neither says it, or where a statement contradicts the numbers.
    """
    found = _by_numbers(first, last)
    if found is None and stated is None:
        raise ValueError(
            f"cannot tell noise from data: {_unclear(first, last)}; check that these are pairs of "
            "noise and data, and state which end is noise with --noise first or --noise last "
            "(in a recipe pairs.options.noise_end)"
        )
    if found is None:
        end = first if stated == "first" else last
        if end.std == 0:
            raise ValueError(f"the {stated} end is stated to be noise, but holds one value only")
        return Verdict(stated == "first", is_stated=True)
    if stated is not None and stated != found:
        raise ValueError(
            f"the noise is stated to be {stated}, but the numbers say that it is {found} "
            f"({_lines(first, last)}); leave the statement out, or state '{found}'"
        )
    return Verdict(found == "first")


def _by_numbers(first: End, last: End) -> NoiseEnd | None:
    if first.num_numbers < MIN_NUMBERS:
        return None
    if first.looks_like_noise and last.looks_like_data:
        return "first"
    return "last" if first.looks_like_data and last.looks_like_noise else None


def _unclear(first: End, last: End) -> str:
    if first.num_numbers < MIN_NUMBERS:
        return f"an end holds {first.num_numbers:,} numbers, and it takes {MIN_NUMBERS:,} at least"
    noise = [end.looks_like_noise for end in (first, last)]
    return (
        f"{_which(noise)} ({_lines(first, last)}), and exactly one must be white and Gaussian and "
        "the other clearly not"
    )


def _lines(first: End, last: End) -> str:
    return "; ".join(
        f"{name}: mean {end.mean:.3f}, std {end.std:.3f}, skewness {end.skewness:.3f}, excess "
        f"kurtosis {end.excess_kurtosis:.3f}, correlation of neighbours {end.correlation:.3f}"
        for name, end in zip(("first", "last"), (first, last), strict=True)
    )


def _which(noise: list[bool]) -> str:
    if all(noise):
        return "both ends look like noise"
    if any(noise):
        return "one end looks like noise, but the other is not clearly data"
    return "neither end looks like noise"


def measure(end: NDArray[Any]) -> End:
    """An end's statistics, [n, *shape]; a ValueError where it has NaN or Inf, or nothing."""
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
