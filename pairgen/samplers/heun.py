"""Heun's method on an even grid: two evaluations a step, error of order 2.

The corrector of Karras et al. 2022 (Algorithm 1, without churn) on the teacher's own time, and
also in the last step: the fields it is meant for are finite at t = 0.
"""

from collections.abc import Iterable, Iterator

from pydantic import Field

from kdm.shapes import Labels, Samples
from pairgen.samplers.fixed_steps import FixedSteps, even_steps
from pairgen.samplers.sampler import velocity
from pairgen.teachers.late import Teacher


class Heun(FixedSteps):
    """x_next = x + h/2 (v(x, t) + v(x + h v(x, t), t_next))."""

    plugin = "heun"
    order = 2

    num_steps: int = Field(10, ge=1)  # even steps from T to 0

    @property
    def nfe(self) -> int:
        """Two evaluations a step; the second is at another x than the next step's first."""
        return 2 * self.num_steps

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x after each step, from x_T to x_0."""
        return heun_steps(teacher, x_T, label, even_steps(teacher, self.num_steps))


def heun_steps(
    teacher: Teacher, x: Samples, label: Labels | None, times: Iterable[tuple[float, float]]
) -> Iterator[Samples]:
    """x after each step of Heun's method from t to t_next."""
    for t, t_next in times:
        step = t_next - t
        slope = velocity(teacher, x, t, label)
        slope_ahead = velocity(teacher, x + step * slope, t_next, label)
        x = x + step / 2 * (slope + slope_ahead)
        yield x
