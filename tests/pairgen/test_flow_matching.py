"""The flow-matching teacher: its loss, its preconditioning, and published weights."""

import json

import numpy as np
import pytest
import torch
from published import MLP
from torch import Tensor

from kdm.batch import Batch
from pairgen.samplers.euler import Euler
from pairgen.samplers.midpoint import Midpoint
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.flow_matching_field import FlowMatchingField
from pairgen.teachers.gaussian import GaussianTeacher


def points(num_points: int = 256) -> Tensor:
    return torch.randn(num_points, 2, generator=torch.Generator().manual_seed(1))


def test_with_a_silent_network_the_field_is_that_of_a_gaussian_with_the_datas_spread():
    field = FlowMatchingTeacher(data_std=2.5).build((2,))
    torch.nn.init.zeros_(field.network.layers[-1].weight)
    torch.nn.init.zeros_(field.network.layers[-1].bias)
    gaussian, times = GaussianTeacher(mean=0, std=2.5).build((2,)), torch.linspace(0, 1, 256)
    assert torch.allclose(
        field.velocity(points(), times), gaussian.velocity(points(), times), atol=1e-5
    )


@pytest.mark.parametrize("data_std", [None, 2.0])
def test_a_trained_field_approaches_the_closed_form_one(data_std):
    torch.manual_seed(0)
    objective = FlowMatchingTeacher(width=32, num_layers=3, data_std=data_std).objective((2,))
    optimiser = torch.optim.Adam(objective.model.parameters(), lr=1e-2)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0.01, total_iters=500)
    x_0 = 0.5 + 2 * points(20_000)
    for _ in range(500):
        rows = torch.randint(len(x_0), (256,))
        optimiser.zero_grad()
        objective.players[0].loss(Batch(rows, x_0[rows])).total.backward()
        optimiser.step()
        decay.step()
    exact, t = GaussianTeacher(mean=0.5, std=2.0).build((2,)), torch.tensor(0.5)
    error = objective.model.velocity(points(), t) - exact.velocity(points(), t)
    assert error.square().mean() < 0.25  # a twentieth of the velocity's own variance, 2² + 1


def test_the_loss_draws_its_noise_and_times_from_the_global_generator():
    objective = FlowMatchingTeacher().objective((2,))
    batch, losses = Batch(torch.arange(256), points()), []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        losses.append(objective.players[0].loss(batch).total.item())
    assert losses[0] == losses[1] != losses[2]


def test_samples_that_are_not_flat_are_refused():
    with pytest.raises(ValueError, match=r"shape \(d,\), not \(3, 32, 32\)"):
        FlowMatchingTeacher().build((3, 32, 32))


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    """Velocities and samples of an MLP laid out as in the flow_matching notebook (hidden 64)."""
    with np.load(MLP) as archive:
        return dict(archive)


def published_field(golden: dict[str, np.ndarray]) -> FlowMatchingField:
    """Its time is 1 - t and its velocity ours negated: first and last layer take up both."""
    weights = {}
    for layer in range(5):
        for kind in ("weight", "bias"):
            found = torch.from_numpy(golden[f"w/main.{2 * layer}.{kind}"].copy())
            weights[f"network.layers.{layer}.{kind}"] = -found if layer == 4 else found
    weights["network.layers.0.bias"] += weights["network.layers.0.weight"][:, 2]
    weights["network.layers.0.weight"][:, 2] *= -1
    field = FlowMatchingTeacher(width=64, num_layers=5, data_std=None).build((2,))
    field.load_state_dict(weights)
    return field


def test_the_published_layout_gives_the_published_velocities(golden):
    field, x = published_field(golden), torch.from_numpy(golden["noise"])
    for t, velocity in zip(golden["t"], golden["velocity"], strict=True):
        found = -field.velocity(x, torch.tensor(1 - t)).detach().numpy()
        assert np.abs(found - velocity).max() < 2e-6


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("euler10", Euler(num_steps=10)),
        ("euler100_grid", Euler(num_steps=100)),
        ("midpoint10", Midpoint(num_steps=10)),
    ],
)
def test_samplers_reproduce_the_published_ones_with_time_reversed(name, sampler, golden):
    x_0 = sampler.sample(published_field(golden), torch.from_numpy(golden["noise"])).x_0
    assert np.abs(x_0.numpy() - golden[name]).max() < 3e-6
    assert json.loads(str(golden["meta"]))["nfe"][name] == sampler.nfe
