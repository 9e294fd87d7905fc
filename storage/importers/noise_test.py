"""Whether samples may be noise of a scale, each by itself, and which samples tell the noise end.

With these bounds, noise breaks one of them less than once in 10^9 samples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.importers.whiteness import group_means, is_white

# Fewer numbers than this do not tell noise from data, so smaller samples are judged in groups.
MIN_NUMBERS = 1024
GROUP_NUMBERS = 4096


def samples_a_group(num_values: int) -> int:
    """Samples that are judged together: one, unless it has too few numbers."""
    return 1 if num_values >= MIN_NUMBERS else -(-GROUP_NUMBERS // num_values)


@dataclass(frozen=True)
class NoiseTest:
    """Whether a group of samples may be noise of a standard deviation."""

    scale: float

    def passes(self, groups: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which groups of [g, n, *shape] have its power, its tails and no correlation: bool [g]."""
        unit = groups / self.scale
        num = unit[0].size
        squares = unit * unit
        power = group_means(squares)
        tails = _has_tails(power, group_means(squares * squares), num)
        return self._has_power(power, num) & tails & is_white(unit)

    @staticmethod
    def _has_power(power: NDArray[np.float64], num: int) -> NDArray[np.bool_]:
        # Tails of chi-square with n degrees (Laurent & Massart 2000, Lemma 1) at e^-30.
        below, above = 2 * np.sqrt(30 / num), 2 * np.sqrt(30 / num) + 60 / num
        return np.asarray((power > 1 - below) & (power < 1 + above))


def _has_tails(
    power: NDArray[np.float64], fourth: NDArray[np.float64], num: int
) -> NDArray[np.bool_]:
    excess = np.divide(fourth, power**2, out=np.full_like(power, np.inf), where=power > 0) - 3
    # Eight standard errors; above, one number of seven standard deviations (7^4) more.
    bound = 8 * np.sqrt(24 / num)
    return np.asarray((excess > -bound) & (excess < bound + 2401 / num))


def disagreement(first: NDArray[Any], last: NDArray[Any]) -> tuple[int, int] | None:
    """Two samples of [n, *shape] whose noise is first and last; None if all that tell agree."""
    if first[0].size < MIN_NUMBERS:
        return None
    white = [is_white(np.asarray(end, np.float64)[:, None]) for end in (first, last)]
    before, after = np.flatnonzero(white[0] & ~white[1]), np.flatnonzero(white[1] & ~white[0])
    return (int(before[0]), int(after[0])) if len(before) and len(after) else None
