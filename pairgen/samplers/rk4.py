"""The classical Runge-Kutta method (Kutta 1901) on an even grid: four velocities a step, error of order 4.

(Hairer, Nørsett & Wanner 1993, Solving Ordinary Differential Equations I, Section II.1.)
"""

from pydantic import Field

from kdm.solvers.rules import RK4
from pairgen.samplers.rule_on_grid import RuleOnGrid


class RungeKutta4(RuleOnGrid):
    """x_next = x + h/6 (k_1 + 2 k_2 + 2 k_3 + k_4), the slopes at start, twice halfway, and end."""

    plugin = "rk4"
    rule = RK4
    order = RK4.order
    meant_for = "flow matching"

    num_steps: int = Field(5, ge=1)  # even steps from T to 0
