"""A sampler as a Runge-Kutta rule on a grid of times.

    x at t_(i+1) = rule(v, x at t_i, t_i, t_(i+1)),   i = 0 … N - 1,   from x_T at t_0 to x_0 at t_N

The rule is a checked table (kdm/solvers/tableau.py), the grid a list of N + 1 falling times (grids.py), and
what is kept of the states is up to `FixedSteps`.
"""

from abc import ABC
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from kdm.shapes import Labels, Samples
from kdm.solvers.tableau import Passed, Slope, Tableau
from pairgen.late_field import Teacher
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.grids import even_times
from pairgen.samplers.sampler import velocity


class RuleOnGrid(FixedSteps, ABC):
    """One rule for all steps, on the even grid unless `times` says otherwise."""

    rule: ClassVar[Tableau]  # its table of coefficients

    @property
    def nfe(self) -> int:
        """The rule's stages, each step. One at t_next can't serve the next step too: x differs there."""
        return self.rule.num_stages * self.num_steps

    def times(self, teacher: Teacher) -> list[float]:
        """The grid, `num_steps` + 1 falling times of the teacher; a ValueError without one."""
        return even_times(teacher, self.num_steps)

    def kept_times(self, teacher: Teacher, keep_states: int) -> tuple[float, ...]:
        """The grid's times after the kept steps."""
        times = self.times(teacher)
        return tuple(times[step] for step in self.kept_steps(keep_states))

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x [n, *shape] after each step, from x_T to x_0."""
        x, slope = x_T, _slope(teacher, label)
        for t, t_next in pairwise(self.times(teacher)):
            x = self.rule.step(slope, x, t, t_next)
            yield x

    def steps_with_errors(
        self, teacher: Teacher, x_T: Samples, label: Labels | None
    ) -> Iterator[Passed] | None:
        """The same, each with the difference from the embedded rule; None if the rule has none."""
        return None if self.rule.embedded is None else self._with_errors(teacher, x_T, label)

    def _with_errors(
        self, teacher: Teacher, x_T: Samples, label: Labels | None
    ) -> Iterator[Passed]:
        x, slope = x_T, _slope(teacher, label)
        for t, t_next in pairwise(self.times(teacher)):
            x, error = self.rule.step_with_error(slope, x, t, t_next)
            yield Passed(x, error)


def _slope(teacher: Teacher, label: Labels | None) -> Slope:
    return lambda x, t: velocity(teacher, x, t, label)
