"""Multistep rules: their weights are integrals, and each is exact where it must be."""

import math
from itertools import pairwise

import pytest
import torch

from kdm.solvers.adams import exponential_weights, phi_functions, plain_weights
from kdm.solvers.multistep import Multistep

UNEVEN = [0.0, -0.4, -0.7, -1.3]
BASHFORTH = Multistep(order=3, num_predicting=3, corrects_first=True)


@pytest.mark.parametrize("h", [1e-3, 0.3, 0.999, 1.0, 3.0, 12.0])
def test_phi_functions_are_what_their_recurrence_and_their_series_say(h):
    phi = phi_functions(-h, 4)
    series = [math.fsum((-h) ** i / math.factorial(i + k) for i in range(80)) for k in range(5)]
    assert phi == pytest.approx(series, rel=1e-10)


def test_the_weights_of_even_steps_are_the_printed_ones():
    assert plain_weights([0.0, -1.0, -2.0], 1.0) == pytest.approx([23 / 12, -16 / 12, 5 / 12])
    assert plain_weights([1.0, 0.0, -1.0], 1.0) == pytest.approx([5 / 12, 8 / 12, -1 / 12])


@pytest.mark.parametrize("num_values", [1, 2, 3, 4])
@pytest.mark.parametrize("h", [0.05, 0.5, 2.5])
def test_polynomials_are_integrated_exactly(num_values, h):
    nodes = UNEVEN[:num_values]
    grid = torch.linspace(0, h, 200_001, dtype=torch.float64)
    for power in range(num_values):
        values = [node**power for node in nodes]
        plain = math.fsum(w * f for w, f in zip(plain_weights(nodes, h), values, strict=True))
        assert plain == pytest.approx(h ** (power + 1) / (power + 1), rel=1e-9)
        found = math.fsum(w * f for w, f in zip(exponential_weights(nodes, h), values, strict=True))
        wanted = torch.trapezoid((grid - h).exp() * grid**power, grid)
        assert found == pytest.approx(float(wanted), rel=1e-7)


def test_a_field_of_constant_data_is_followed_exactly_by_exponential_rules():
    data, times = torch.tensor([[3.0, -1.0]], dtype=torch.float64), [80.0, 5.0, 0.3, 0.02, 0.0]
    for rule in (
        Multistep(order=2, num_predicting=2, is_exponential=True, is_halved=True),
        Multistep(order=3, num_predicting=3, num_correcting=3, is_exponential=True),
    ):
        passed = rule.steps(lambda x, t: (x - data) / t, data + 80, times, ends_with_euler=True)
        for (x, error), t in zip(passed, times[1:], strict=True):
            assert torch.allclose(x, data + t, rtol=0, atol=1e-12)
            assert error.abs().max() < 1e-12


def test_adams_and_bashforths_step_is_the_textbooks():
    times = [1.0, 0.75, 0.5, 0.25]

    def slope(x, t):
        return torch.full_like(x, t**2)

    *_, before, after = [
        each.x for each in BASHFORTH.steps(slope, torch.zeros(1, 1), times, ends_with_euler=False)
    ]
    v = [t**2 for t in times]
    wanted = -0.25 / 12 * (23 * v[2] - 16 * v[1] + 5 * v[0])
    assert float(after - before) == pytest.approx(wanted)


def test_one_slope_a_step_is_asked_for_at_the_times_of_the_grid():
    asked, times = [], [1.0, 0.6, 0.3, 0.0]

    def slope(x, t):
        asked.append(t)
        return x

    rule = Multistep(order=3, num_predicting=3, num_correcting=2)
    passed = [*rule.steps(slope, torch.ones(1, 1), times, ends_with_euler=False)]
    assert asked == times[:-1]
    assert len(passed) == len(list(pairwise(times)))
