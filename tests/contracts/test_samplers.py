"""Laws of every registered sampler."""

import math

import pytest
import torch
from torch import Tensor

from pairgen.samplers.sampler import Sampler
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.gaussian import GaussianField, GaussianTeacher
from pairgen.teachers.teacher import Teacher
from storage.errors import InvalidPairsError
from storage.plugins import configure, describe, plugin_names

GROUP = "pairgen.samplers"
every_sampler = pytest.mark.parametrize("name", plugin_names(GROUP))


def sampler(name: str, num_steps: int = 8) -> Sampler:
    return configure(GROUP, {"plugin": name, "num_steps": num_steps})


def noise(num_points: int = 64, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(num_points, 2, generator=torch.Generator().manual_seed(3), dtype=dtype)


def gaussian() -> GaussianField:
    return GaussianTeacher(mean=(0.5, -1.0), std=(2.0, 0.7)).build((2,))


def network() -> Teacher:
    torch.manual_seed(4)
    return FlowMatchingTeacher(width=16).build((2,)).eval()


class Warped(GaussianField):
    """The Gaussian's flow in another time u, t = (u + u²) / 2, with the same ends.

    In t itself s_t² is quadratic, and for such fields midpoint happens to be of order 3:
    its leading error is a'' + 6 a a' + 4 a³ for dx/dt = a x, and that is 0 for a = s'/s.
    """

    def velocity(self, x, t, label=None):
        return (0.5 + t) * super().velocity(x, (t + t**2) / 2, label)


class Recorded(Teacher):
    """The Gaussian field, with the times at which it was asked."""

    t_noise = 1.0
    noise_scale = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def velocity(self, x, t, label=None):
        self.times.append(float(t))
        return gaussian().velocity(x, t, label)


class OneColumn(Recorded):
    """A velocity that would broadcast."""

    def velocity(self, x, t, label=None):
        return x[:, :1]


@every_sampler
def test_the_error_falls_with_the_stated_order(name):
    x_T, field = noise(dtype=torch.float64), Warped(gaussian().mean, gaussian().std)
    exact = field.solution(x_T)
    coarse, fine = (
        (sampler(name, num_steps).sample(field, x_T) - exact).abs().max() for num_steps in (64, 128)
    )
    assert math.log2(coarse / fine) == pytest.approx(sampler(name).order, abs=0.1)


@every_sampler
def test_many_steps_reach_the_exact_solution(name):
    x_0 = sampler(name, 2000).sample(gaussian(), noise(dtype=torch.float64))
    assert (x_0 - gaussian().solution(noise(dtype=torch.float64))).abs().max() < 5e-3


@every_sampler
@pytest.mark.parametrize("num_steps", [1, 2, 7])
def test_nfe_is_the_number_of_evaluations_made(name, num_steps):
    field = Recorded()
    sampler(name, num_steps).sample(field, noise())
    assert len(field.times) == sampler(name, num_steps).nfe


@every_sampler
def test_the_field_is_asked_from_noise_to_data_and_not_beyond(name):
    field = Recorded()
    sampler(name).sample(field, noise())
    assert field.times[0] == 1.0
    assert field.times == sorted(field.times, reverse=True)
    assert min(field.times) >= 0.0


@every_sampler
def test_equal_input_gives_equal_bytes_whatever_the_random_state(name):
    first = sampler(name).sample(network(), noise())
    torch.manual_seed(99)
    assert torch.equal(sampler(name).sample(network(), noise()), first)


@every_sampler
@pytest.mark.parametrize("batch", [1, 7, 64])
@pytest.mark.parametrize("field", [gaussian, network])
def test_a_sample_does_not_depend_on_its_batch(name, batch, field):
    whole = sampler(name).sample(field(), noise())
    pieces = [sampler(name).sample(field(), piece) for piece in noise().split(batch)]
    assert (torch.cat(pieces) - whole).abs().max() <= 1e-6


@every_sampler
def test_sampling_leaves_its_input_and_keeps_no_graph(name):
    x_T = noise()
    x_0 = sampler(name).sample(network(), x_T)
    assert torch.equal(x_T, noise())
    assert not x_0.requires_grad
    assert x_0.dtype == x_T.dtype


@every_sampler
def test_a_velocity_that_would_broadcast_is_refused(name):
    with pytest.raises(InvalidPairsError, match=r"velocity is torch.float32 \[64, 1\]"):
        sampler(name).sample(OneColumn(), noise())


@every_sampler
def test_its_description_makes_it_again(name):
    assert configure(GROUP, describe(sampler(name, 5))) == sampler(name, 5)
