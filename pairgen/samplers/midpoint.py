"""The explicit midpoint method (Runge 1895) on an even grid: two velocities a step, error of order 2.

The published checkerboard pairs were sampled with it (flow_matching's notebook `2d_flow_matching`, step
0.05).
"""

from pydantic import Field

from kdm.solvers.rules import MIDPOINT
from pairgen.samplers.rule_on_grid import RuleOnGrid


class Midpoint(RuleOnGrid):
    """x_next = x + h v(x + h/2 v(x, t), t + h/2)."""

    plugin = "midpoint"
    rule = MIDPOINT
    order = MIDPOINT.order
    meant_for = "flow matching"

    num_steps: int = Field(10, ge=1)  # even steps from T to 0
