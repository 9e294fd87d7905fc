"""A teacher that can be interrupted: before each velocity it asks whether it is still wanted."""

from collections.abc import Callable

from torch import Tensor

from kdm.shapes import Labels, Samples
from pairgen.field import Teacher


class Interruptible(Teacher):
    """In all else the teacher itself, on its device and in its arithmetic."""

    def __init__(self, teacher: Teacher, go_on: Callable[[], None]) -> None:
        super().__init__()
        self.teacher, self._go_on = teacher, go_on
        self.t_noise, self.t_lowest = teacher.t_noise, teacher.t_lowest
        self.noise_scale, self.evaluations = teacher.noise_scale, teacher.evaluations
        self.dtype = teacher.dtype

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """The teacher's, unless `go_on` raises."""
        self._go_on()
        return self.teacher.velocity(x, t, label)

    def rounded(self, t: float) -> float:
        """The nearest time that the teacher knows."""
        return self.teacher.rounded(t)
