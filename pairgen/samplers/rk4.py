"""The classical Runge-Kutta method on an even grid: four evaluations a step, error of order 4.

(Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, Section II.1.)
"""

from collections.abc import Iterator

from pydantic import Field

from kdm.shapes import Labels, Samples
from pairgen.samplers.fixed_steps import FixedSteps, even_steps
from pairgen.samplers.sampler import velocity
from pairgen.teachers.late import Teacher


class RungeKutta4(FixedSteps):
    """x_next = x + h/6 (k_1 + 2 k_2 + 2 k_3 + k_4), the slopes at start, twice halfway, and end."""

    plugin = "rk4"
    order = 4

    num_steps: int = Field(5, ge=1)  # even steps from T to 0

    @property
    def nfe(self) -> int:
        """Four evaluations a step."""
        return 4 * self.num_steps

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x after each step, from x_T to x_0."""
        x = x_T
        for t, t_next in even_steps(teacher, self.num_steps):
            h, halfway = t_next - t, (t + t_next) / 2
            k_1 = velocity(teacher, x, t, label)
            k_2 = velocity(teacher, x + h / 2 * k_1, halfway, label)
            k_3 = velocity(teacher, x + h / 2 * k_2, halfway, label)
            k_4 = velocity(teacher, x + h * k_3, t_next, label)
            x = x + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
            yield x
