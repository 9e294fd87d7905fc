"""The explicit midpoint method (Runge 1895): two evaluations a step, error of order 2.

The published checkerboard pairs were sampled with it (flow_matching's 2-D notebook, step 0.05).
"""

from collections.abc import Iterator

from pydantic import Field

from kdm.shapes import Labels, Samples
from pairgen.samplers.fixed_steps import FixedSteps, even_steps
from pairgen.samplers.sampler import velocity
from pairgen.teachers.late import Teacher


class Midpoint(FixedSteps):
    """x_next = x + h v(x + h/2 v(x, t), t + h/2)."""

    plugin = "midpoint"
    order = 2

    num_steps: int = Field(10, ge=1)  # even steps from T to 0

    @property
    def nfe(self) -> int:
        """Two evaluations a step."""
        return 2 * self.num_steps

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x after each step, from x_T to x_0."""
        x = x_T
        for t, t_next in even_steps(teacher, self.num_steps):
            half = (t_next - t) / 2
            x_middle = x + half * velocity(teacher, x, t, label)
            x = x + 2 * half * velocity(teacher, x_middle, t + half, label)
            yield x
