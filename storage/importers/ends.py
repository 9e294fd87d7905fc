"""Which end of an imported trajectory is noise: found from the numbers, else as the user states.

Noise is centred, has a Gaussian's third and fourth moments, and no correlation between neighbouring
numbers. A picture's neighbours correlate by more than .5; points in the plane have other moments.
"""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from storage.importers.end_statistics import measure, plain_scale
from storage.importers.verdict import NoiseEnd, told


class Ends(NamedTuple):
    """The two ends told apart, and the noise's standard deviation."""

    x_T: NDArray[Any]
    x_0: NDArray[Any]
    noise_scale: float
    is_stated: bool = False  # because the numbers do not tell

    def rows(self, first: int, last: int) -> "Ends":
        """The points of a half-open range."""
        return self._replace(x_T=self.x_T[first:last], x_0=self.x_0[first:last])


def tell_ends(first: NDArray[Any], last: NDArray[Any], *, stated: NoiseEnd | None = None) -> Ends:
    """The noise end and the data end, [n, *shape] each.

    Raises a ValueError with both ends' statistics if they don't tell and the user doesn't either.
    """
    statistics = (measure(first), measure(last))
    verdict = told(*statistics, stated=stated)
    x_T, x_0 = (first, last) if verdict.noise_is_first else (last, first)
    std = statistics[0 if verdict.noise_is_first else 1].std
    scale = plain_scale(std, num_numbers=first.size)
    return Ends(x_T, x_0, scale, verdict.is_stated)
