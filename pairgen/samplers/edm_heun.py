"""EDM's deterministic sampler (Karras et al. 2022, Algorithm 1): Heun's method on noise levels.

t_i = (T^(1/ρ) + i / (N - 1) · (σ_min^(1/ρ) - T^(1/ρ)))^ρ for i < N, then t_N = 0 (Eq. 5): short steps
near the data. Made for fields whose time is the noise level (σ(t) = t, s(t) = 1), with T as the
noise scale.

A step from t to t_next of length h = t_next - t is Heun's, with slope d = v(x, t) (lines 4 to 8):
x + h/2 (d + v(x + h d, t_next)). The last one, from σ_min to 0, is Euler's, since such fields aren't
defined at 0: its error is of order σ_min² and doesn't fall with N. If a field knows only some levels, as
networks trained on a table of them do, each t_i is the nearest of those, and σ_min its lowest if that is
higher (Appendix C.3).
"""

from collections.abc import Iterator
from itertools import pairwise

from pydantic import Field

from kdm.shapes import Labels, Samples
from kdm.solvers.rules import EULER, HEUN
from kdm.solvers.tableau import Passed, Slope
from pairgen.late_field import Teacher
from pairgen.samplers.grids import levels_to_data
from pairgen.samplers.rule_on_grid import RuleOnGrid
from pairgen.samplers.sampler import velocity


class EdmHeun(RuleOnGrid):
    """Heun's steps from T down to σ_min, and one of Euler's to 0; the state is float64."""

    plugin = "edm-heun"
    rule = HEUN
    order = HEUN.order
    meant_for = "noise levels"

    num_steps: int = Field(18, ge=1)  # from T to 0; the paper has 18 for 32 pixels, 40 for 64
    sigma_min: float = Field(0.002, gt=0)  # where the last step begins, in the teacher's time
    rho: float = Field(7.0, gt=0)  # the larger, the shorter the steps near the data; 1: even

    @property
    def nfe(self) -> int:
        """Two velocities a step, one in the last."""
        return super().nfe - HEUN.num_stages + EULER.num_stages

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x [n, *shape] after each step, from x_T to x_0, rounded to x_T's number type.

        The field too sees x rounded to that type; what it answers is added up in float64.
        """
        x, slope = x_T.double(), self._slope(teacher, x_T, label)
        for t, t_next in pairwise(self.times(teacher)):
            rule = HEUN if t_next > 0 else EULER
            x = rule.step(slope, x, t, t_next)
            yield x.to(x_T)

    def steps_with_errors(
        self, teacher: Teacher, x_T: Samples, label: Labels | None
    ) -> Iterator[Passed]:
        """The same in float64, each with its difference from Euler's step; the last step is Euler's."""
        x, slope = x_T.double(), self._slope(teacher, x_T, label)
        for t, t_next in pairwise(self.times(teacher)):
            if t_next > 0:
                x, error = HEUN.step_with_error(slope, x, t, t_next)
            else:
                x, error = EULER.step(slope, x, t, t_next), x.new_zeros(x.shape)
            yield Passed(x, error)

    def _slope(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Slope:
        def slope(x: Samples, t: float) -> Samples:
            return velocity(teacher, x.to(x_T), t, label).double()

        return slope

    def times(self, teacher: Teacher) -> list[float]:
        """Eq. 5's noise levels between T and σ_min, then 0.

        Raises ValueError if σ_min isn't below T, or if two levels round to one that the teacher knows.
        """
        return levels_to_data(teacher, self.plugin, self.num_steps, self.sigma_min, self.rho)
