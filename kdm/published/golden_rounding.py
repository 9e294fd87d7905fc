"""A golden's numbers beside ours, which are computed twice: in float64, and in float32 as always.

In float64 the formulas give the same numbers on every processor, up to some 1e-14. So whether a golden,
itself float32, agrees with them doesn't depend on this processor. Our float32 numbers differ from processor
to processor, which add in different orders; they may be twice as far from float64's.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

# Times the tolerance. Most are within a tenth of it, but if the last digit of ln σ differs, one
# output of a network with high frequencies moves by two thirds of it.
_ROOM = 2.0

Distance = Callable[[Tensor, Tensor], float]


class Compared(NamedTuple):
    """One number or array of a golden, compared with ours."""

    name: str
    error: float  # ours (float64's if any) to the golden; relative, infinite for another shape
    tolerance: float
    rounding: float = 0.0  # float32's to float64's
    room: float = 0.0  # 0: without float64's

    @property
    def agrees(self) -> bool:
        """Whether the golden and our float32 are both within their tolerance of float64."""
        return self.error <= self.tolerance and self.rounding <= self.room

    def with_room(self, more: float) -> "Compared":
        """The same comparison with both tolerances wider by `more`."""
        return self._replace(tolerance=self.tolerance + more, room=self.room + more)


def beside(
    name: str, golden: Tensor, found: tuple[Tensor, Tensor], tolerance: float, distance: Distance
) -> Compared:
    """A golden's array compared with ours in float64 and in float32, `found` in this order."""
    exact, plain = found
    error, rounding = distance(exact, golden), distance(plain, exact)
    return Compared(name, error, tolerance, rounding, _ROOM * tolerance)
