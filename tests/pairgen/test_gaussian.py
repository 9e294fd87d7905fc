"""The closed-form teacher."""

import pytest
import torch

from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.plugin import weights_digest
from pairgen.teachers.teacher import load_teacher


def test_the_velocity_is_the_mean_of_x_T_minus_x_0_given_x_t():
    """At t = 1/2 from data N(0.5, 2²): regress x_T - x_0 on x_t, a million draws."""
    torch.manual_seed(0)
    x_0, x_T = 0.5 + 2 * torch.randn(1_000_000), torch.randn(1_000_000)
    x, target = (x_0 + x_T) / 2, x_T - x_0
    slope = ((x - x.mean()) * (target - target.mean())).mean() / x.var()
    velocity = (
        GaussianTeacher().build((1,)).velocity(torch.tensor([[0.0], [1.0]]), torch.tensor(0.5))
    )
    assert velocity[1] - velocity[0] == pytest.approx(float(slope), abs=0.01)
    assert velocity[0] == pytest.approx(float(target.mean() - slope * x.mean()), abs=0.01)


def test_the_flow_ends_at_the_data():
    torch.manual_seed(0)
    x_0 = GaussianTeacher(mean=(0.5, -1), std=(2, 0.7)).build((2,)).solution(torch.randn(10_000, 2))
    assert torch.allclose(x_0.mean(dim=0), torch.tensor([0.5, -1]), atol=0.1)
    assert torch.allclose(x_0.std(dim=0), torch.tensor([2, 0.7]), atol=0.1)


def test_options_that_do_not_fill_a_sample_are_refused():
    with pytest.raises(ValueError, match="std has 3 numbers"):
        GaussianTeacher(std=(1, 2, 3)).build((2,))


def test_it_needs_no_training_and_says_so():
    with pytest.raises(ValueError, match="closed form"):
        GaussianTeacher().objective((2,))


def test_its_options_stand_for_its_weights():
    chosen = GaussianTeacher(mean=1)
    digest = weights_digest(chosen, None)
    assert digest != weights_digest(GaussianTeacher(mean=2), None)
    assert load_teacher(chosen, (2,), weights=None, digest=digest).mean[0] == 1
