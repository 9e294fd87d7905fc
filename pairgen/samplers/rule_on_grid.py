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
from kdm.solvers.tableau import Tableau
from pairgen.late_field import Teacher
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.grids import even_times
from pairgen.samplers.sampler import velocity


class RuleOnGrid(FixedSteps, ABC):
    """One rule for all steps, on the even grid unless `times` says otherwise."""

    rule: ClassVar[Tableau]

    @property
    def nfe(self) -> int:
        """The rule's stages, each step. One at t_next can't serve the next step too: x differs there."""
        return self.rule.num_stages * self.num_steps

    def times(self, teacher: Teacher) -> list[float]:
        """The grid, `num_steps` + 1 falling times of the teacher; a ValueError without one."""
        return even_times(teacher, self.num_steps)

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x [n, *shape] after each step, from x_T to x_0."""

        def slope(x: Samples, t: float) -> Samples:
            return velocity(teacher, x, t, label)

        x = x_T
        for t, t_next in pairwise(self.times(teacher)):
            x = self.rule.step(slope, x, t, t_next)
            yield x
