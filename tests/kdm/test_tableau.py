"""A Runge-Kutta rule is a table whose every number is checked."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from kdm.solvers.dopri5 import DORMAND_PRINCE
from kdm.solvers.rules import EULER, HEUN, MIDPOINT, RK4
from kdm.solvers.tableau import Tableau

RULES = {"euler": EULER, "midpoint": MIDPOINT, "heun": HEUN, "rk4": RK4, "dopri5": DORMAND_PRINCE}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def off_by_a_digit(row):
    """The row with one number changed, for each of them in turn."""
    for place, value in enumerate(row):
        yield (*row[:place], value + Fraction(1, 10**9), *row[place + 1 :])


@every_rule
def test_a_wrong_digit_in_any_weight_is_refused(rule):
    for weights in off_by_a_digit(rule.weights):
        with pytest.raises(ValueError, match="are not of order"):
            replace(rule, weights=weights)


@every_rule
def test_a_wrong_digit_in_any_row_is_refused_even_where_its_sum_is_right(rule):
    for place, row in enumerate(rule.rows):
        for wrong in off_by_a_digit(row):
            rows = (*rule.rows[:place], wrong, *rule.rows[place + 1 :])
            with pytest.raises(ValueError, match="must be the sum of its row"):
                replace(rule, rows=rows)
            if rule.order > 2:  # of lower order any row with that sum would do for one of these
                with pytest.raises(ValueError, match="are not of order"):
                    replace(rule, rows=rows, nodes=tuple(sum(each, Fraction(0)) for each in rows))


@every_rule
def test_no_rule_has_a_higher_order_than_it_states(rule):
    with pytest.raises(
        ValueError, match=f"not of order {rule.order + 1}: the condition of the tree"
    ):
        replace(rule, order=rule.order + 1)


def test_an_error_estimate_is_a_rule_of_lower_order_over_the_same_stages():
    for embedded in off_by_a_digit(DORMAND_PRINCE.embedded):
        with pytest.raises(ValueError, match="are not of order 4"):
            replace(DORMAND_PRINCE, embedded=embedded)
    with pytest.raises(ValueError, match="others than the weights"):
        replace(DORMAND_PRINCE, embedded=DORMAND_PRINCE.weights)
    with pytest.raises(ValueError, match="embedded order is 5; it must be above 0 and below 5"):
        replace(DORMAND_PRINCE, embedded_order=5)


def test_what_is_no_lower_triangle_is_refused():
    with pytest.raises(ValueError, match=r"row i has i - 1 numbers; here they have \[0, 2\]"):
        Tableau.of(rows=["", "1/2 1/2"], weights="0 1", order=2)
    with pytest.raises(ValueError, match="1 weights for 2 stages"):
        Tableau.of(rows=["", "1"], weights="1", order=1)


def test_heun_step_is_the_one_of_the_textbook_to_the_bit():
    x, t, t_next = torch.randn(8, 2), 0.7, 0.4

    def slope(x, t):
        return t * x.sin()

    h, first = t_next - t, slope(x, t)
    wanted = x + h / 2 * (first + slope(x + h * first, t_next))
    assert torch.equal(HEUN.step(slope, x, t, t_next), wanted)
