"""A teacher that can be interrupted: before each velocity it asks whether its work is still wanted.

A shard may take minutes, and a thread can't be stopped from outside; one velocity is the longest that a
stop has to wait for.
"""

from collections.abc import Callable

from torch import Tensor

from kdm.shapes import Labels, Samples
from pairgen.field import Teacher


class Interruptible(Teacher):
    """In everything else the teacher itself, on its device and in its arithmetic."""

    def __init__(self, teacher: Teacher, go_on: Callable[[], None]) -> None:
        super().__init__()
        self.teacher, self._go_on = teacher, go_on
        self.t_noise, self.t_lowest = teacher.t_noise, teacher.t_lowest
        self.noise_scale, self.evaluations = teacher.noise_scale, teacher.evaluations
        self.dtype = teacher.dtype

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """The teacher's; if `go_on` raises, it ends before the network is called."""
        self._go_on()
        return self.teacher.velocity(x, t, label)

    def rounded(self, t: float) -> float:
        """The teacher's."""
        return self.teacher.rounded(t)
