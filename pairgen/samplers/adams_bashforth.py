"""Adams and Bashforth's multistep rules on uneven steps: one velocity a step, error of order 2 or 3.

A step integrates the polynomial through the last k velocities (Hairer, Nørsett & Wanner 1993, Section
III.5). The first step is corrected by the trapezoid rule once the second velocity is known, which costs
none. Moulton's rule corrects every step (predict, evaluate, correct).
"""

from kdm.solvers.multistep import Multistep
from pairgen.samplers.rule_of_values import RuleOfValues


class AdamsBashforth2(RuleOfValues):
    """x_next = x + h (v + h / 2 · the slope between the last two v)."""

    plugin = "ab-2"
    rule = Multistep(order=2, num_predicting=2, corrects_first=True)
    order = rule.order


class AdamsBashforth3(RuleOfValues):
    """The same with the parabola through the last three velocities."""

    plugin = "ab-3"
    rule = Multistep(order=3, num_predicting=3, corrects_first=True)
    order = rule.order


class AdamsBashforthMoulton3(RuleOfValues):
    """The same, each step corrected by the parabola through the new velocity and the last two (PEC)."""

    plugin = "abm-3"
    rule = Multistep(order=3, num_predicting=3, num_correcting=2)
    order = rule.order
