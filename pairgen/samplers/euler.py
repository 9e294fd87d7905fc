"""Euler's method on an even grid: x_next = x + h v(x, t), one velocity a step, error of order 1."""

from pydantic import Field

from kdm.solvers.rules import EULER
from pairgen.samplers.rule_on_grid import RuleOnGrid


class Euler(RuleOnGrid):
    """x_next = x + h v(x, t); torchcfm's published samples have 100 steps."""

    plugin = "euler"
    rule = EULER
    order = EULER.order
    meant_for = "flow matching"

    num_steps: int = Field(20, ge=1)  # even steps from T to 0
