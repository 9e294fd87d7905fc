"""DPM-Solver++ in its multistep form (Lu et al. 2022): one evaluation a step, error of order 2 or 3.

Exponential rules: the noise in x falls as t without error, and only D, the expected data, is replaced by a
polynomial in -ln t, which for EDM is the paper's half log signal-to-noise ratio. 3M integrates the
parabola through the last three D exactly (Zhang & Chen 2022, Section 3), and corrects its first step
so that it is of order 3.
"""

from kdm.solvers.multistep import Multistep
from pairgen.samplers.rule_of_values import RuleOfValues


class DpmSolver2M(RuleOfValues):
    """x_next = t_next/t x + (1 - e^-h) ((1 + 1/2r) D - 1/2r D_before), the paper's Algorithm 2."""

    plugin = "dpm-2m"
    rule = Multistep(order=2, num_predicting=2, is_exponential=True, is_halved=True)
    order = rule.order


class DpmSolver3M(RuleOfValues):
    """The same with the parabola through the last three D."""

    plugin = "dpm-3m"
    rule = Multistep(order=3, num_predicting=3, corrects_first=True, is_exponential=True)
    order = rule.order
