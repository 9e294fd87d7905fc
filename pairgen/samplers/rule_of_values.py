"""A sampler as a multistep rule on a grid of times: one velocity a step.

The rule is kdm/solvers/multistep.py's. On the straight path (T = 1) the grid is even, unless `sigma_min` is
given; otherwise it is even in ln t, where exponential rules interpolate. On EDM's own grid, which was made
for Heun's method, their error in 18 steps is twice to four times as large (docs/negative-results.md).

The last step of an exponential rule, from t to 0, leaves an error of order t². On the even grid that makes
rules of order 3 ones of order 2. The state is float64, as in edm_heun.py; the field sees it rounded to
x_T's number type.
"""

import math
from abc import ABC
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from kdm.shapes import Labels, Samples
from kdm.solvers.multistep import Multistep
from kdm.solvers.tableau import Passed
from pairgen.late_field import Teacher
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.grids import even_times, levels_to_data
from pairgen.samplers.sampler import velocity

# x_0 is D there: off by 0.0033 for the digits teacher, a fifth of the error of EDM's Heun in 35 evaluations.
_LOWEST = 0.02


class RuleOfValues(FixedSteps, ABC):
    """One multistep rule from T down to 0."""

    rule: ClassVar[Multistep]

    num_steps: int = Field(15, ge=1)  # from T to 0
    # Where the last step begins, in the teacher's time. None: even steps where T is 1, else 0.02.
    sigma_min: float | None = Field(None, gt=0)

    @property
    def nfe(self) -> int:
        """One velocity a step."""
        return self.num_steps

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x [n, *shape] after each step, from x_T to x_0, rounded to x_T's number type."""
        for passed in self.steps_with_errors(teacher, x_T, label):
            yield passed.x.to(x_T)

    def steps_with_errors(
        self, teacher: Teacher, x_T: Samples, label: Labels | None
    ) -> Iterator[Passed]:
        """The same in float64, each with the estimate of its error."""

        def slope(x: Samples, t: float) -> Samples:
            return velocity(teacher, x.to(x_T), t, label).double()

        yield from self.rule.steps(
            slope, x_T.double(), self.times(teacher), ends_with_euler=not self._is_even(teacher)
        )

    def times(self, teacher: Teacher) -> list[float]:
        """The grid, `num_steps` + 1 falling times; a ValueError without one."""
        if self._is_even(teacher):
            return even_times(teacher, self.num_steps)
        sigma_min = _LOWEST if self.sigma_min is None else self.sigma_min
        return levels_to_data(teacher, self.plugin, self.num_steps, sigma_min, math.inf)

    def kept_times(self, teacher: Teacher, keep_states: int) -> tuple[float, ...]:
        """The grid's times after the kept steps."""
        times = self.times(teacher)
        return tuple(times[step] for step in self.kept_steps(keep_states))

    def _is_even(self, teacher: Teacher) -> bool:
        return self.sigma_min is None and teacher.t_noise == 1
