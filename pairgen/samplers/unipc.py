"""UniPC (Zhao et al. 2023): DPM-Solver++'s steps, each corrected by an evaluation that the next one needs.

UniP-p predicts x_next from the last p values of D. D there is one value more, and UniC-p integrates the
polynomial through all p + 1: an order more without an evaluation. The paper's B(h) cancels where all weights
are solved for, as here. UniP-2 is the exception: it fixes one weight at 1/2, and with B(h) = e^h - 1 it is
DPM-Solver++(2M). The first step knows a single value, and its error of order h³ limits both to order 3.
"""

from kdm.solvers.multistep import Multistep
from pairgen.samplers.rule_of_values import RuleOfValues


class UniPC2(RuleOfValues):
    """DPM-Solver++(2M), corrected by the parabola through the new D and the last two."""

    plugin = "unipc-2"
    rule = Multistep(
        order=3, num_predicting=2, num_correcting=2, is_exponential=True, is_halved=True
    )
    order = rule.order


class UniPC3(RuleOfValues):
    """DPM-Solver++(3M), corrected by the cubic through the new D and the last three."""

    plugin = "unipc-3"
    rule = Multistep(order=3, num_predicting=3, num_correcting=3, is_exponential=True)
    order = rule.order
