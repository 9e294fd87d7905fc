"""Euler's method: one evaluation a step, error of order 1."""

from collections.abc import Iterator

from pydantic import Field

from kdm.shapes import Labels, Samples
from pairgen.samplers.fixed_steps import FixedSteps, even_steps
from pairgen.samplers.sampler import velocity
from pairgen.teachers.late import Teacher


class Euler(FixedSteps):
    """x_next = x + h v(x, t)."""

    plugin = "euler"
    order = 1

    num_steps: int = Field(20, ge=1)  # even steps from T to 0

    @property
    def nfe(self) -> int:
        """One evaluation a step."""
        return self.num_steps

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x after each step, from x_T to x_0."""
        x = x_T
        for t, t_next in even_steps(teacher, self.num_steps):
            x = x + (t_next - t) * velocity(teacher, x, t, label)
            yield x
