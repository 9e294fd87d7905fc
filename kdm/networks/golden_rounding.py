"""A golden's numbers beside ours, which are computed twice: in float64, and in float32 as always.

Float64's are what the formulas say, the same on every processor but for some 1e-14, so whether the golden
agrees with them depends on no processor; it's float32 itself, a rounding away. Our float32's differ from one
processor to the next, which add in other orders, and may be twice as far from float64's.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

# Times the tolerance. Most are within a tenth of it, but where the last digit of ln σ is another, one output
# of a network whose frequencies are high moves by two thirds of it.
_ROOM = 2.0

Distance = Callable[[Tensor, Tensor], float]


class Compared(NamedTuple):
    """One number or array of a golden beside ours."""

    name: str
    error: (
        float  # ours (float64's where there is) to the golden; relative, infinite for another shape
    )
    tolerance: float
    rounding: float = 0.0  # float32's to float64's
    room: float = 0.0  # 0: there is no float64's

    @property
    def agrees(self) -> bool:
        """Whether both are as near as they must be."""
        return self.error <= self.tolerance and self.rounding <= self.room

    def with_room(self, more: float) -> "Compared":
        """The same with both tolerances so much wider."""
        return self._replace(tolerance=self.tolerance + more, room=self.room + more)


def beside(
    name: str, golden: Tensor, found: tuple[Tensor, Tensor], tolerance: float, distance: Distance
) -> Compared:
    """A golden's number beside what was found in float64 and in float32."""
    exact, plain = found
    error, rounding = distance(exact, golden), distance(plain, exact)
    return Compared(name, error, tolerance, rounding, _ROOM * tolerance)
