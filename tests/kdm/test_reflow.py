"""2-rectified flow: exact on straight lines, times near the ends, weights as published."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.coders.unet_choice import UNetChoice
from kdm.losses.distances import L2
from kdm.losses.sample_huber import SampleHuber
from kdm.networks.image_shapes import Times
from kdm.shapes import Samples
from kdm.students.line_times import u_shaped_times
from kdm.students.reflow import Reflow
from kdm.students.reflow_student import ReflowStudent
from kdm.training.adam import Adam
from kdm.training.options import TrainingOptions
from storage.records import LabelRule, NoiseRule, PairSchema

POINTS = PairSchema(shape=(2,), noise=NoiseRule(scale=80))
PICTURES = PairSchema(shape=(1, 8, 8), label=LabelRule(num_classes=3))
UNET = UNetChoice(
    kind="song-unet", model_channels=8, channel_mult=(1, 2), num_blocks=1, dropout=0.5
)
LABELS = torch.tensor([0, 1, 2, 0])


class Straight(nn.Module):
    """The velocity of lines from x_T to x_T / 2 + 1: x_t = (1 + t) x_T / 2 + 1 − t."""

    def forward(self, x: Samples, t: Times, labels: None = None) -> Samples:
        """x_T − x_0 of the line through x at t."""
        x_T = (x - 1 + t[:, None]) / ((1 + t[:, None]) / 2)
        return x_T / 2 - 1


def straight(**options: Any) -> ReflowStudent:
    student = Reflow(**options).build(POINTS)
    student.network = Straight()
    return student


def straight_pairs(num_samples: int = 64) -> Batch:
    unit = torch.randn(num_samples, 2, generator=torch.Generator().manual_seed(0))
    return Batch(torch.arange(num_samples), x_0=3 * (unit / 2 + 1), x_T=80 * unit)


def pictures(**options: Any) -> ReflowStudent:
    torch.manual_seed(0)
    student = Reflow(network=UNET, **options).build(PICTURES)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return student


def picture_noise() -> Tensor:
    return torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("num_steps", [1, 2, 7])
def test_straight_lines_are_followed_exactly_in_any_number_of_steps(num_steps: int) -> None:
    student, pairs = straight(num_steps=num_steps, data_scale=3), straight_pairs()
    assert student.nfe == num_steps
    assert torch.allclose(student.generate(pairs.noise()), pairs.x_0, atol=1e-4)


def test_the_velocity_of_straight_lines_has_no_loss() -> None:
    for options in ({}, {"perceptual": {"plugin": "l2"}}):
        student = straight(data_scale=3, **options)
        assert student.measure(straight_pairs()).total < 1e-6


def test_the_number_of_steps_can_be_changed_without_training_again() -> None:
    student = pictures()
    one = student.generate(picture_noise(), LABELS)
    student.num_steps = 3
    assert student.nfe == 3
    assert not torch.allclose(student.generate(picture_noise(), LABELS), one)


@pytest.mark.parametrize("exponent", [0.0, 4.0])
def test_times_have_the_density_of_the_sum_of_two_exponentials(exponent: float) -> None:
    torch.manual_seed(0)
    t = u_shaped_times(100_000, exponent, like=torch.zeros(1))
    edges = torch.linspace(0, 1, 21)
    # ∫ cosh(a (t − ½)) dt is sinh(a (t − ½)) / a.
    inside = (exponent * (edges - 0.5)).sinh() if exponent else edges
    wanted = inside.diff() / (inside[-1] - inside[0])
    found = torch.histc(t, 20, 0, 1) / len(t)
    assert torch.allclose(found, wanted, atol=0.004)
    assert t.min() > 0
    assert t.max() < 1


def test_losses_are_those_of_its_text() -> None:
    student, pairs = pictures(perceptual={"plugin": "l2"}).eval(), picture_noise()
    batch = Batch(torch.arange(4), x_0=pairs.flip(0), x_T=pairs, label=LABELS)
    torch.manual_seed(3)
    losses = student.measure(batch)
    torch.manual_seed(3)
    t = u_shaped_times(4, 4.0, like=pairs)
    column = t[:, None, None, None]
    x_t = (1 - column) * batch.x_0 + column * pairs
    v = student.network(x_t, t, F.one_hot(LABELS, 3).float())
    c = 0.00054 * math.sqrt(64)
    error = (v - pairs + batch.x_0).flatten(1).square().sum(1)
    huber = ((error + c**2).sqrt() - c) / 64
    leads_to = (x_t - column * v - batch.x_0).flatten(1).square().mean(1)
    assert torch.allclose(losses.terms["flow"], ((1 - t) * huber).mean())
    assert torch.allclose(losses.terms["pred"], (leads_to / t).mean())
    assert torch.allclose(losses.total, losses.terms["flow"] + losses.terms["pred"])


def test_without_a_perceptual_distance_all_times_weigh_alike() -> None:
    student, pairs = pictures(time_exponent=0, distance=L2()).eval(), picture_noise()
    batch = Batch(torch.arange(4), x_0=0 * pairs, x_T=pairs, label=LABELS)
    student.network = nn.Identity()
    student.network.forward = lambda x, t, labels: 0 * x  # type: ignore[method-assign]
    assert torch.allclose(student.measure(batch).total, pairs.square().mean())


def test_the_huber_of_a_sample_turns_at_the_length_of_its_whole_error() -> None:
    error = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    found = SampleHuber(c=12).distance(error, torch.zeros(2, 2))
    assert torch.allclose(found, torch.tensor((13 - 12) / 2 / 2))
    small = SampleHuber().distance(error, torch.zeros(2, 2))
    assert torch.allclose(small, torch.tensor(5 / 2 / 2), atol=1e-3)


def test_labels_matter_where_the_network_sees_them() -> None:
    student, x_T = pictures(), picture_noise()
    others = student.generate(x_T, 2 - LABELS)
    is_equal = torch.isclose(student.generate(x_T, LABELS), others).flatten(1).all(1)
    assert is_equal.tolist() == [False, True, False, False]
    with pytest.raises(ValueError, match="got no label"):
        student.generate(x_T)


def test_points_see_no_labels_and_their_networks_see_the_time() -> None:
    student = Reflow().build(PairSchema(shape=(2,), label=LabelRule(num_classes=3)))
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    assert student.generate(x).shape == (5, 2)
    early, late = student.network(x, torch.ones(1)), student.network(x, torch.zeros(1))
    assert not torch.allclose(early, late)


def test_sampling_is_without_dropout() -> None:
    student, x_T = pictures().train(), picture_noise()
    assert torch.equal(student.generate(x_T, LABELS), student.generate(x_T, LABELS))
    assert all(module.training for module in student.modules())


def test_a_velocity_is_learned_from_pairs() -> None:
    torch.manual_seed(0)
    student, pairs = (
        Reflow(network={"kind": "mlp", "num_layers": 3}).build(POINTS),
        straight_pairs(),
    )
    adam = Adam(student, TrainingOptions())
    before = F.mse_loss(student.generate(pairs.noise()), pairs.x_0)
    for _ in range(40):
        adam.zero_grad()
        student.measure(pairs).total.backward()  # type: ignore[no-untyped-call]
        adam.step(1e-2)
    assert F.mse_loss(student.generate(pairs.noise()), pairs.x_0) < 0.1 * before
