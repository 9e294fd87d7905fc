"""Adaptive steps: within the tolerance, by the whole batch, and an end to steps that lead nowhere."""

import pytest
import torch
from torch import Tensor

from pairgen.samplers.dopri5 import Dopri5
from pairgen.samplers.rk4 import RungeKutta4
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.gaussian_field import GaussianField
from pairgen.teachers.teacher import Teacher
from storage.errors import InvalidPairsError


class Broken(GaussianField):
    """No velocity on the second half of the way."""

    def velocity(self, x, t, label=None):
        return super().velocity(x, t, label) / (t > 0.5)


def gaussian() -> GaussianField:
    return GaussianTeacher(mean=0.5, std=2.0).build((2,))


def network() -> Teacher:
    torch.manual_seed(4)
    return FlowMatchingTeacher(width=16).build((2,)).eval()


def noise(num_points: int = 64) -> Tensor:
    return torch.randn(num_points, 2, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5])
def test_the_error_falls_with_the_tolerance(tolerance):
    x_T = noise().double()
    made = Dopri5(rtol=tolerance, atol=tolerance).sample(gaussian(), x_T).x_0
    assert tolerance / 1000 < (made - gaussian().solution(x_T)).abs().max() < 50 * tolerance


def test_a_smaller_tolerance_takes_more_evaluations():
    nfe = [Dopri5(rtol=each, atol=each).sample(network(), noise()).nfe for each in (1e-3, 1e-6)]
    assert nfe[0] < nfe[1]
    assert [(each - 2) % 6 for each in nfe] == [0, 0]  # two before the first step, six a step


def test_a_sample_depends_on_its_batch_by_no_more_than_the_tolerance_lets_it():
    together = Dopri5(rtol=1e-3, atol=1e-3).sample(network(), noise()).x_0
    alone = Dopri5(rtol=1e-3, atol=1e-3).sample(network(), noise()[:1]).x_0
    assert 0 < (together[:1] - alone).abs().max() < 0.05


def test_it_agrees_with_fine_fixed_steps():
    fine = RungeKutta4(num_steps=200).sample(network(), noise()).x_0
    assert (Dopri5().sample(network(), noise()).x_0 - fine).abs().max() < 1e-3


def test_a_field_that_is_not_finite_ends_in_a_sentence():
    field = Broken(gaussian().mean, gaussian().std)
    with pytest.raises(InvalidPairsError, match="can't find a step within its tolerance"):
        Dopri5().sample(field, noise())


def test_states_between_are_refused():
    with pytest.raises(ValueError, match=r"2 states between .* set num_states to 0"):
        Dopri5().sample(gaussian(), noise(), keep_states=2)
