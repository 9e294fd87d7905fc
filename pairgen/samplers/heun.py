"""Heun's method on an even grid: two velocities a step, error of order 2.

The corrector of Karras et al. 2022 (Algorithm 1, without churn) on the teacher's own time, and
in the last step too: the fields it is meant for are finite at t = 0.
"""

from pydantic import Field

from kdm.solvers.rules import HEUN
from pairgen.samplers.rule_on_grid import RuleOnGrid


class Heun(RuleOnGrid):
    """x_next = x + h/2 (v(x, t) + v(x + h v(x, t), t_next))."""

    plugin = "heun"
    rule = HEUN
    order = HEUN.order
    meant_for = "flow matching"

    num_steps: int = Field(10, ge=1)  # even steps from T to 0
