"""Laws of every registered sampler."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.sampler import Sampler
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.gaussian_field import GaussianField
from pairgen.teachers.guided import Guided
from pairgen.teachers.teacher import Teacher
from storage.errors import InvalidPairsError
from storage.plugins import configure, describe, plugin_class, plugin_names

GROUP = "pairgen.samplers"
FIXED = [name for name in plugin_names(GROUP) if issubclass(plugin_class(GROUP, name), FixedSteps)]
every_sampler = pytest.mark.parametrize("name", plugin_names(GROUP))
every_fixed_sampler = pytest.mark.parametrize("name", FIXED)
EXPONENTIAL = ("dpm-2m", "dpm-3m", "unipc-2", "unipc-3")
# EDM's last step, from sigma_min to 0, is Euler's, and so is that of exponential rules: more steps don't
# lower its error. The law of the order is one of the other steps, so there that error is put out of sight.
ESTIMATING = (
    *EXPONENTIAL,
    "heun",
    "midpoint",
    "edm-heun",
    "edm-grid-heun",
    "ab-2",
    "ab-3",
    "abm-3",
)
WITHOUT_FLOOR = {name: {"sigma_min": 1e-6} for name in ("edm-heun", *EXPONENTIAL)}


def sampler(name: str, num_steps: int = 8, **options: float) -> Sampler:
    steps = {"num_steps": num_steps} if name in FIXED else {}
    return configure(GROUP, {"plugin": name, **steps, **options})


def noise(num_points: int = 64, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(num_points, 2, generator=torch.Generator().manual_seed(3), dtype=dtype)


def gaussian() -> GaussianField:
    return GaussianTeacher(mean=(0.5, -1.0), std=(2.0, 0.7)).build((2,))


def network() -> Teacher:
    torch.manual_seed(4)
    return FlowMatchingTeacher(width=16).build((2,)).eval()


class Warped(GaussianField):
    """The Gaussian's flow in another time u, t = (eᵘ − 1) / (e − 1), with the same ends.

    In t itself s_t² is quadratic, and for such fields midpoint happens to be of order 3:
    its leading error is a'' + 6 a a' + 4 a³ for dx/dt = a x, and that is 0 for a = s'/s. With
    t = (u + u²) / 2 the leading errors of order 4 nearly cancel.
    """

    def velocity(self, x, t, label=None):
        return t.exp() / (math.e - 1) * super().velocity(x, warped(t), label)


def warped(u: Tensor) -> Tensor:
    return (u.exp() - 1) / (math.e - 1)


def solution(field: GaussianField, x: Tensor, t: Tensor) -> Tensor:
    """Where the exact flow carries x from t: (x − m_t) / s_t is kept."""
    s = ((1 - t) ** 2 * field.std**2 + t**2).sqrt()
    return field.mean + field.std * (x - (1 - t) * field.mean) / s


class WarpedLevels(Teacher):
    """Gaussian data over noise levels, closed form, in a time u: σ = u (1 + u / 80) / 2, with the same ends.

    In σ itself the leading error of DPM-Solver++(3M) is 0 for Gaussian data, and it happens to be of order 4.
    """

    t_noise = noise_scale = 80.0
    mean, std = gaussian().mean, gaussian().std

    def velocity(self, x, t, label=None):
        sigma = t * (1 + t / 80) / 2
        return (0.5 + t / 80) * sigma * (x - self.mean) / (self.std**2 + sigma**2)

    def solution(self, x):
        return self.mean + self.std / (self.std**2 + 80**2) ** 0.5 * (x - self.mean)


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


def errors(name: str, *counts: int) -> list[float]:
    """The largest error of x_0 in so many steps; exponential rules are for noise levels."""
    x_T = noise(dtype=torch.float64)
    if name in EXPONENTIAL:
        field, x_T = WarpedLevels(), 80 * x_T
        exact = field.solution(x_T)
    else:
        field = Warped(gaussian().mean, gaussian().std)
        begin = torch.tensor(sampler(name, 512).begins_at(field), dtype=torch.float64)
        exact = solution(field, x_T, warped(begin))
    made = (
        sampler(name, each, **WITHOUT_FLOOR.get(name, {})).sample(field, x_T) for each in counts
    )
    return [float((each.x_0 - exact).abs().max()) for each in made]


@every_fixed_sampler
def test_the_error_falls_with_the_stated_order(name):
    coarse, fine = errors(name, *((512, 1024) if name in EXPONENTIAL else (256, 512)))
    assert math.log2(coarse / fine) == pytest.approx(sampler(name).order, abs=0.1)


@every_sampler
def test_many_steps_reach_the_exact_solution(name):
    many = 2000 if getattr(sampler(name), "order", 1) == 1 else 250
    x_T, begin = noise(dtype=torch.float64), sampler(name, many).begins_at(gaussian())
    x_0 = sampler(name, many).sample(gaussian(), x_T).x_0
    exact = solution(gaussian(), x_T, torch.tensor(begin, dtype=torch.float64))
    assert (x_0 - exact).abs().max() < 5e-3


@every_sampler
@pytest.mark.parametrize("num_steps", [1, 2, 7])
def test_nfe_is_the_number_of_evaluations_made(name, num_steps):
    field, chosen = Recorded(), sampler(name, num_steps)
    found = chosen.sample(field, noise()).nfe
    assert len(field.times) == found
    assert chosen.nfe in (found, None)


@every_sampler
def test_guidance_asks_twice_and_nfe_says_so(name):
    field, label = Recorded(), torch.zeros(64, dtype=torch.int64)
    found = sampler(name).sample(Guided(field, 0.5), noise(), label).nfe
    assert len(field.times) == found
    assert sampler(name).nfe in (found / 2, None)


@every_sampler
def test_the_first_velocity_is_where_x_T_lies(name):
    field = Recorded()
    sampler(name).sample(field, noise())
    assert field.times[0] == sampler(name).begins_at(field)
    assert field.times[0] == pytest.approx(1.0, abs=1.001 / 81)


@every_fixed_sampler
def test_the_field_is_asked_from_noise_to_data_and_not_beyond(name):
    field = Recorded()
    sampler(name).sample(field, noise())
    assert field.times == sorted(field.times, reverse=True)
    assert min(field.times) >= 0.0


@every_sampler
def test_equal_input_gives_equal_bytes_whatever_the_random_state(name):
    num_states = 3 if name in FIXED else 0
    first = sampler(name).sample(network(), noise(), keep_states=num_states)
    torch.manual_seed(99)
    again = sampler(name).sample(network(), noise(), keep_states=num_states)
    assert torch.equal(again.x_0, first.x_0)
    assert torch.equal(again.states, first.states)


@every_fixed_sampler
@pytest.mark.parametrize("batch", [1, 7, 64])
@pytest.mark.parametrize("field", [gaussian, network])
def test_a_sample_does_not_depend_on_its_batch(name, batch, field):
    x_T = noise(16 if batch == 1 else 64)
    whole = sampler(name).sample(field(), x_T).x_0
    pieces = [sampler(name).sample(field(), piece).x_0 for piece in x_T.split(batch)]
    assert (torch.cat(pieces) - whole).abs().max() <= 1e-6 * whole.abs().max()


@every_sampler
def test_only_a_sampler_with_a_caution_depends_on_the_batch(name):
    assert (sampler(name).caution is None) == (name in FIXED)


@every_sampler
def test_sampling_leaves_its_input_and_keeps_no_graph(name):
    x_T = noise()
    x_0, states, _ = sampler(name).sample(network(), x_T, keep_states=2 if name in FIXED else 0)
    assert torch.equal(x_T, noise())
    assert not x_0.requires_grad
    assert not states.requires_grad
    assert x_0.dtype == states.dtype == x_T.dtype


@every_sampler
def test_a_velocity_that_would_broadcast_is_refused(name):
    with pytest.raises(InvalidPairsError, match=r"velocity is torch.float32 \[64, 1\]"):
        sampler(name).sample(OneColumn(), noise())


@every_fixed_sampler
@pytest.mark.parametrize("keep_states", [0, 1, 3, 7])
def test_x_0_is_the_same_however_many_states_are_kept(name, keep_states):
    x_0, states, _ = sampler(name).sample(network(), noise(), keep_states=keep_states)
    assert torch.equal(x_0, sampler(name).sample(network(), noise()).x_0)
    assert states.shape == (64, keep_states, 2)


@every_fixed_sampler
def test_states_are_what_the_solver_passes_from_noise_to_data(name):
    passed = [x.clone() for x in sampler(name).steps(network(), noise(), None)]
    states = sampler(name).sample(network(), noise(), keep_states=7).states
    assert len(passed) == 8
    assert torch.equal(states, torch.stack(passed[:7], dim=1))


@every_fixed_sampler
@pytest.mark.parametrize("num_steps", [4, 9, 10])
def test_states_are_spaced_evenly_and_the_ends_are_none_of_them(name, num_steps):
    for keep_states in range(1, num_steps):
        ends = [0, *sampler(name, num_steps).kept_steps(keep_states), num_steps]
        gaps = {end - begin for begin, end in pairwise(ends)}
        assert gaps <= {num_steps // (keep_states + 1), -(-num_steps // (keep_states + 1))}


@every_fixed_sampler
def test_more_states_than_the_solver_passes_are_refused(name):
    with pytest.raises(
        ValueError, match=r"8 states .* in 8 steps passes 7; keep at most that many"
    ):
        sampler(name).sample(gaussian(), noise(), keep_states=8)


@every_fixed_sampler
def test_estimated_steps_are_those_taken_and_their_errors_fall(name):
    passed = [
        sampler(name, num_steps).steps_with_errors(gaussian(), noise(dtype=torch.float64), None)
        for num_steps in (7, 64, 128)
    ]
    if passed[0] is None:
        assert name not in ESTIMATING
        return
    few, coarse, fine = map(list, passed)
    taken = [*sampler(name, 7).steps(gaussian(), noise(dtype=torch.float64), None)]
    assert all(torch.equal(one.x, other) for one, other in zip(few, taken, strict=True))
    assert sum(e.abs().max() for _, e in fine) < 0.6 * sum(e.abs().max() for _, e in coarse)


@every_sampler
def test_its_description_makes_it_again(name):
    assert configure(GROUP, describe(sampler(name, 5))) == sampler(name, 5)


@every_fixed_sampler
def test_kept_states_are_at_the_times_that_are_told(name):
    field, own = gaussian(), sampler(name, 64)
    kept = own.kept_times(field, 3)
    assert kept == tuple(own.times(field)[step] for step in own.kept_steps(3))
    x_T = noise(4096, torch.float64)
    states = own.sample(field, x_T, keep_states=3).states
    for t, x in zip(kept, states.unbind(1), strict=True):
        wanted = ((1 - t) ** 2 * field.std**2 + t**2).sqrt()
        assert torch.allclose(x.std(0), wanted, rtol=0.1)
