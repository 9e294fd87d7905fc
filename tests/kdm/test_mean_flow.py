"""MeanFlow: no loss at a known average velocity, published times and weights, a derivative that is one."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from shared_steps import job
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.coders.unet_choice import UNetChoice
from kdm.flops import Flops, sample_flops, step_flops
from kdm.losses.distances import L2
from kdm.networks.forward_mode import derivative_along
from kdm.networks.image_shapes import Times
from kdm.randomness.draws import drawing_from
from kdm.randomness.sample_draws import SampleDraws
from kdm.shapes import Samples
from kdm.students.interval_options import IntervalOptions
from kdm.students.line_times import random_intervals, u_shaped_times
from kdm.students.mean_flow import MeanFlow
from kdm.students.mean_flow_student import MeanFlowStudent
from kdm.students.reflow import Reflow
from kdm.training.errors import Interrupted
from kdm.training.job import TrainingJob
from kdm.training.run_job import run_job
from storage.digest import unseal
from storage.folders import Folder
from storage.options import parse
from storage.records import LabelRule, NoiseRule, PairSchema

POINTS = PairSchema(shape=(2,), noise=NoiseRule(scale=80))
PICTURES = PairSchema(shape=(1, 8, 8), label=LabelRule(num_classes=3))
UNET = UNetChoice(
    kind="song-unet",
    model_channels=8,
    channel_mult=(1, 2),
    num_blocks=1,
    attn_resolutions=(8,),
    dropout=0,
)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
STD = 0.5


class GaussianLine(nn.Module):
    """u of the lines from x_T to x_0 = std · x_T + 1, of slope 1 and average velocity x_T − x_0.

    On x_t = a(t) x_T + 1 − t with a = t + (1 − t) std it is (1 − std) x_T − 1, for every r.
    """

    def forward(self, x: Samples, t: Times, labels: None, interval: Times) -> Samples:
        """The same for every interval, since the lines are straight."""
        t = t[:, None]
        return (1 - STD) * (x - 1 + t) / (t + (1 - t) * STD) - 1


class Curved(nn.Module):
    """u of the flow dx/dt = x: (x_t − x_r) / (t − r) with x_r = x_t e^{r − t}, smooth where r = t."""

    def forward(self, x: Samples, t: Times, labels: None, interval: Times) -> Samples:
        """x (1 − e^{−s}) / s for an interval s."""
        s = interval[:, None].clamp(min=1e-6)
        return x * -torch.expm1(-s) / s


def points(network: nn.Module, **options: Any) -> MeanFlowStudent:
    student = MeanFlow(**options).build(POINTS)
    student.network = network
    return student


def gaussian_pairs(num_samples: int = 64) -> Batch:
    unit = torch.randn(num_samples, 2, generator=torch.Generator().manual_seed(0))
    return Batch(torch.arange(num_samples), x_0=3 * (STD * unit + 1), x_T=80 * unit)


def pictures(plugin: MeanFlow | Reflow) -> Any:
    torch.manual_seed(0)
    student = plugin.build(PICTURES)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return student


def picture_pairs() -> Batch:
    noise = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    return Batch(torch.arange(8), x_0=noise.flip(0).tanh(), x_T=noise, label=LABELS)


def test_the_average_velocity_of_gaussian_lines_has_no_loss_and_leads_to_their_ends() -> None:
    student, pairs = points(GaussianLine(), data_scale=3, intervals={"share": 1}), gaussian_pairs()
    assert student.measure(pairs).total < 1e-8
    for num_steps in (1, 2, 7):
        student.num_steps = num_steps
        assert student.nfe == num_steps
        assert torch.allclose(student.generate(pairs.noise()), pairs.x_0, atol=1e-4)


def test_targets_are_those_of_the_identity() -> None:
    """For u = x (1 − e^{−s}) / s: ∂_x u · v + ∂_t u by hand, with its weights."""
    student, pairs = points(Curved(), intervals={"share": 1}), gaussian_pairs(8)
    torch.manual_seed(3)
    found = student.measure(pairs).terms["flow"]
    torch.manual_seed(3)
    x_0, x_T = pairs.x_0, pairs.noise() / 80
    t = u_shaped_times(8, 4.0, like=x_0)
    s, t = random_intervals(t, IntervalOptions())[:, None], t[:, None]
    x, v = (1 - t) * x_0 + t * x_T, x_T - x_0
    grown = -torch.expm1(-s) / s
    slope = v * grown + x * (torch.exp(-s) - grown) / s
    square = (x * grown - (v - s * slope)).square().mean(1)
    assert torch.allclose(found, (square / (square + 1e-2).sqrt()).mean(), rtol=1e-4)


def test_a_step_subtracts_the_average_velocity_back_to_where_it_ends() -> None:
    student, pairs = points(Curved(), num_steps=1), gaussian_pairs(8)
    x_T = pairs.noise()
    u = Curved()(x_T / 80, torch.ones(8), None, torch.ones(8))
    assert torch.allclose(student.generate(x_T), x_T / 80 - u, atol=1e-6)
    for num_steps in (1, 4):  # exact in any number of them: an average has no error of a step
        student.num_steps = num_steps
        assert torch.allclose(student.generate(x_T), x_T / 80 * torch.tensor(-1.0).exp(), atol=1e-6)


@pytest.mark.parametrize(("power", "floor"), [(0.0, 1e-2), (0.5, 1e-2), (1.0, 1e-3)])
def test_weights_are_a_power_of_a_samples_own_error_and_have_no_gradient(
    power: float, floor: float
) -> None:
    student = MeanFlow(weight_power=power, weight_floor=floor).build(POINTS)
    error = torch.tensor([[3.0, 4.0], [0.1, 0.0]], requires_grad=True)
    loss = student._weighted_square(error)
    square = torch.tensor([12.5, 0.005])
    weight = 1 / (square + floor) ** power
    assert torch.allclose(loss, (weight * square).mean())
    loss.backward()  # type: ignore[no-untyped-call]
    assert error.grad is not None
    assert torch.allclose(error.grad, weight[:, None] * error.detach() / 2)


def test_intervals_are_a_sigmoid_cut_at_time_0_and_the_corner_goes_there() -> None:
    torch.manual_seed(0)
    t = u_shaped_times(20_000, 4.0, like=torch.zeros(1))
    r = t - random_intervals(t, IntervalOptions())
    assert ((r >= 0) & (r <= t)).all()
    assert not ((t > 0.95) & (r > 1e-6) & (r < 0.4 - 1e-6)).any()
    torch.manual_seed(0)
    t = u_shaped_times(20_000, 4.0, like=torch.zeros(1))
    open_r = t - random_intervals(t, IntervalOptions(corner=None))
    is_cut = (t > 0.95) & (open_r < 0.4)
    assert is_cut.sum() > 100
    assert torch.allclose(r[~is_cut], open_r[~is_cut], atol=1e-6)
    median = random_intervals(torch.ones(20_000), IntervalOptions(corner=None)).median()
    assert abs(median - torch.tensor(-0.8).sigmoid()) < 0.01


def test_without_intervals_it_is_reflow() -> None:
    """Bit by bit on the way to v: the same network with the same weights sees the same times."""
    student = pictures(
        MeanFlow(network=UNET, intervals={"share": 0}, weight_power=0, time_scale=999)
    )
    reflow = Reflow(network=UNET, distance=L2()).build(PICTURES)
    missing = reflow.load_state_dict(student.state_dict(), strict=False)
    assert (missing.missing_keys, missing.unexpected_keys) == (
        [],
        ["network.unet.map_augment.weight"],
    )
    x, t, labels = picture_pairs().noise(), torch.linspace(0, 1, 8), F.one_hot(LABELS, 3).float()
    assert torch.equal(student.network(x, t, labels, 0 * t), reflow.network(x, t, labels))
    losses = []
    for each in (student, reflow):
        torch.manual_seed(3)
        losses.append(each.measure(picture_pairs()).total)
    assert torch.allclose(*losses, rtol=1e-6)


def test_the_derivative_of_a_unet_is_that_of_finite_differences() -> None:
    """Of 32 pixels a side: large enough for kernels of our own, were they asked; with attention."""
    choice = UNET.model_copy(update={"attn_resolutions": (32,), "model_channels": 16})
    torch.manual_seed(0)
    student = MeanFlow(network=choice, time_scale=3).build(PairSchema(shape=(1, 32, 32)))
    network = student.network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    at = (torch.randn(2, 1, 32, 32), torch.tensor([0.3, 0.9]), torch.tensor([0.1, 0.9]))
    step = (torch.randn(2, 1, 32, 32), torch.ones(2), torch.ones(2))

    def average(x: Tensor, t: Tensor, interval: Tensor) -> Tensor:
        u: Tensor = network(x, t, None, interval)
        return u

    def beside(by: float) -> Tensor:
        return average(*(a.double() + by * d.double() for a, d in zip(at, step, strict=True)))

    with torch.no_grad():
        wanted = (beside(1e-5) - beside(-1e-5)) / 2e-5
    for order in (torch.contiguous_format, torch.channels_last):  # as on a CPU, and on a GPU
        network.to(torch.float32, memory_format=order)
        found = derivative_along(average, at, step)
        assert found.dtype == torch.float32
        assert (found - wanted).abs().max() < 1e-5 * wanted.abs().max()


def test_the_target_is_float32_without_dropout_and_past_the_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dropped = UNET.model_copy(update={"dropout": 0.5})
    student = pictures(MeanFlow(network=dropped, intervals={"share": 1})).train()
    seen = []

    def noted(*given: Any) -> Tensor:
        seen.append(derivative_along(*given))
        return seen[-1]

    monkeypatch.setattr("kdm.students.mean_flow_student.derivative_along", noted)
    for _ in range(2):
        torch.manual_seed(3)
        with torch.autocast("cpu", torch.bfloat16):
            student.measure(picture_pairs())
    assert seen[0].dtype == torch.float32
    assert all(module.training for module in student.modules())
    compiled = nn.Identity()  # stands for what torch.compile puts in `forward`'s place
    monkeypatch.setattr(student.network, "_compiled_call_impl", lambda x, *_rest: compiled(x))
    torch.manual_seed(3)
    student.measure(picture_pairs())
    assert torch.allclose(seen[2], seen[0], atol=1e-6)


def test_parts_of_a_batch_have_the_losses_of_the_whole() -> None:
    student, batch = pictures(MeanFlow(network=UNET)).eval(), picture_pairs()
    assert batch.label is not None

    def total(place: Tensor, num: int) -> Tensor:
        part = replace(
            batch,
            index=place,
            x_0=batch.x_0[place],
            x_T=batch.noise()[place],
            label=LABELS[place],
            num_parts=num,
        )
        with drawing_from(SampleDraws(7).turn_to(2, place)):
            return student.measure(part).total  # type: ignore[no-any-return]

    whole = total(torch.arange(8), 1)
    parts = [total(torch.arange(first, 8, 2), 2) for first in range(2)]
    assert torch.allclose(torch.stack(parts).mean(), whole, rtol=1e-5)
    with pytest.raises(ValueError, match=r"0\.25 of training\.batch_size 8 is 2 samples"):
        total(torch.arange(0, 8, 4), 4)


def trained(home: Folder, folder: str, *, stop_after: int = -1, **training: Any) -> Folder:
    """With intervals and dropout, on batches of 16 of which 4 have an interval; its folder."""
    described = job(home, folder, num_steps=3, checkpoint_every=1, **training)
    network = UNET.model_copy(update={"dropout": 0.2}).model_dump(mode="json")
    described["model"] = {"plugin": "mean-flow", "network": network}
    asked = count()
    parsed = parse(TrainingJob, described, "job")
    run_job(parsed, report=lambda _: None, should_stop=lambda: next(asked) == stop_after)
    return home / folder


def test_a_stopped_training_ends_with_the_same_bits_and_micro_batches_round_otherwise(
    home: Folder,
) -> None:
    whole = trained(home, "whole")
    with pytest.raises(Interrupted):
        trained(home, "stopped", stop_after=2)
    stopped = trained(home, "stopped")
    assert stopped.read("model.safetensors") == whole.read("model.safetensors")
    parts = trained(home, "parts", micro_batch=4)
    totals = [
        [entry["losses"]["flow"] for entry in unseal(each.read("losses.json"), "losses")["losses"]]
        for each in (whole, parts)
    ]
    assert totals[0] == pytest.approx(totals[1], rel=1e-4)


def test_flops_of_a_step_hold_the_derivatives_of_its_share() -> None:
    def step(share: float) -> Flops:
        return step_flops(MeanFlow(network=UNET, intervals={"share": share}), PICTURES, 8)

    sample, usual = sample_flops(MeanFlow(network=UNET), PICTURES).total, step(0).total
    reflow = step_flops(Reflow(network=UNET), PICTURES, 8).total
    assert usual - reflow == 2 * 2 * 8 * 8**2  # the interval's layer, forward and its gradient
    all_of_them = step(1).total - usual
    assert (
        2 * 8 * sample <= all_of_them <= 3 * 8 * sample
    )  # x and its change, and zeros for weights
    assert step(0.25) == Flops(usual + all_of_them // 4)
