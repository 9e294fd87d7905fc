"""GET: its sizes, its loss over all states, and samples that depend on nothing but themselves."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from kdm.batch import Batch
from kdm.networks.transformer import EquilibriumTransformer
from kdm.networks.transformer_options import EquilibriumOptions
from kdm.presets.presets import preset
from kdm.randomness.keyed_noise import keyed_normal
from kdm.students.get import Get
from kdm.students.get_student import GetStudent
from storage.records import LabelRule, NoiseRule, PairSchema

SCHEMA = PairSchema(shape=(3, 8, 8), noise=NoiseRule(scale=80), label=LabelRule(num_classes=3))
SMALL = EquilibriumOptions(width=16, depth=1, num_heads=2, equilibrium_ratio=2)
LABELS = torch.tensor([0, 1, 2, 0])
COUNTS = {  # all, of which 256 tokens times the width are the frozen table (Geng et al. 2023)
    "get-t": 8.6e6,
    "get-m": 19.2e6,
    "get-s": 37_173_260,
    "get-b": 62.2e6,
    "get-b-plus": 83.5e6,
}


def small(**options: Any) -> GetStudent:
    torch.manual_seed(0)
    student = Get(network=SMALL, **options).build(SCHEMA)
    with torch.no_grad():
        for parameter in student.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return student


def batch() -> Batch:
    x_0, unit = torch.randn(2, 4, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    return Batch(torch.arange(4), x_0=x_0, x_T=80 * unit, label=LABELS)


@pytest.mark.parametrize("name", COUNTS)
def test_presets_have_the_published_numbers_of_parameters(name: str) -> None:
    student = preset(name).build()
    count = sum(each.numel() for each in student.parameters())
    frozen = count - student.num_trainable_parameters()
    assert round(count, -5) == round(COUNTS[name], -5)
    assert name != "get-s" or (count, frozen) == (37_173_260, 131_072)


def test_presets_take_the_published_distance_or_another() -> None:
    student, other = preset("get-s").student, preset("get-s", distance=Get().distance).student
    assert student == other == Get()


def test_the_loss_weighs_the_states_by_powers_of_four_fifths() -> None:
    losses = small().measure(batch())
    weights = [0.8**5, 0.8**4, 0.8**3, 0.8**2, 0.8, 1]
    total = sum(w * losses.terms[f"pred_{k}"] for k, w in enumerate(weights, 1))
    assert len(losses.terms) == 6
    assert torch.allclose(losses.total, torch.as_tensor(total))


def test_the_term_of_a_state_is_its_mean_absolute_error_in_scaled_units() -> None:
    student, pairs = small(start="zeros", data_scale=2), batch()
    z = torch.zeros(4, 16, 16)
    states = student.network(pairs.noise() / 80, z, LABELS, 6)
    terms = student.measure(pairs).terms
    assert torch.allclose(
        terms["pred_1"], F.l1_loss(student.network.read(states[0]), pairs.x_0 / 2)
    )
    assert torch.allclose(
        terms["pred_6"], F.l1_loss(student.network.read(states[5]), pairs.x_0 / 2)
    )


def test_gradients_pass_all_applications() -> None:
    student, z = small(), torch.zeros(4, 16, 16, requires_grad=True)
    student.network(batch().noise() / 80, z, LABELS, 6)[-1].sum().backward()
    assert z.grad is not None
    assert z.grad.abs().min() > 0


def test_a_sample_is_the_state_that_moved_least() -> None:
    student, x_T = small(num_applications=12), batch().noise()
    z = keyed_normal(x_T, 16 * 16).reshape(4, 16, 16)
    states = torch.cat([z[None], student.network(x_T / 80, z, LABELS, 12)])
    best = (states[1:] - states[:-1]).square().sum((2, 3)).argmin(0)
    wanted = torch.cat([student.network.read(states[1 + best[n], n][None]) for n in range(4)])
    assert torch.allclose(student.generate(x_T, LABELS), wanted, atol=1e-6)


@pytest.mark.parametrize("start", ["noise", "zeros"])
def test_a_sample_is_the_same_in_every_batch_and_with_every_seed(start: Any) -> None:
    student, x_T = small(start=start), batch().noise()
    whole = student.generate(x_T, LABELS, seed=1)
    alone = [student.generate(x_T[n : n + 1], LABELS[n : n + 1], seed=n) for n in range(4)]
    assert torch.allclose(whole, torch.cat(alone), atol=1e-5)
    assert torch.equal(whole.flip(0), student.generate(x_T.flip(0), LABELS.flip(0)))


def test_where_z_starts_matters() -> None:
    noisy, zeros = small(), small(start="zeros")
    assert not torch.allclose(
        noisy.generate(batch().noise(), LABELS), zeros.generate(batch().noise(), LABELS)
    )


def test_sampling_leaves_torchs_generator_alone_and_training_draws_from_it() -> None:
    student, before = small(), torch.get_rng_state()
    student.generate(batch().noise(), LABELS)
    assert torch.equal(torch.get_rng_state(), before)
    first, second = student.measure(batch()).total, student.measure(batch()).total
    assert not torch.equal(first, second)


def test_labels_matter_where_they_are_asked_for() -> None:
    x_T = batch().noise()
    for sees_labels in (True, False):
        student = small(sees_labels=sees_labels)
        others = student.generate(x_T, 2 - LABELS)
        is_equal = torch.isclose(student.generate(x_T, LABELS), others).flatten(1).all(1)
        assert is_equal.tolist() == ([False, True, False, False] if sees_labels else [True] * 4)


def test_missing_and_unknown_labels_are_refused() -> None:
    student, x_T = small(), batch().noise()
    with pytest.raises(ValueError, match="got no label; give one of 0 … 2"):
        student.generate(x_T)
    with pytest.raises(ValueError, match="reach from 1 to 3; this student knows 0 … 2"):
        student.generate(x_T, LABELS + 1)


@pytest.mark.parametrize(("shape", "reason"), [((2,), "for pictures"), ((3, 8, 7), "8×7 pixels")])
def test_samples_without_patches_are_refused(shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Get().require_shape(shape)
    with pytest.raises(ValueError, match=reason):
        Get().build(PairSchema(shape=shape))


def test_a_width_that_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ValidationError, match="width is 20; it must be a multiple of 4"):
        EquilibriumOptions(width=20, num_heads=8)


def test_a_patch_goes_back_to_where_it_came_from() -> None:
    network = EquilibriumTransformer(SMALL, (1, 4, 6), num_classes=0)
    network.final_layer.linear.bias.data = torch.arange(4.0)  # weights begin at 0
    picture = network.read(torch.randn(1, 6, 16))
    assert torch.equal(picture[0, 0], torch.tensor([[0.0, 1.0], [2.0, 3.0]]).tile(2, 3))


def test_keyed_noise_is_normal_and_tells_samples_apart() -> None:
    x_T = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    x_T[1] = x_T[0]
    x_T[2] = x_T[0].flip(2)  # the same values in other places
    z = keyed_normal(x_T, 4096)
    assert torch.equal(z[0], z[1])
    assert (z[2:] @ z[2:].T / 4096 - torch.eye(62)).abs().max() < 0.1
    quantiles = z[2:].quantile(torch.tensor([0.001, 0.025, 0.5, 0.975, 0.999]))
    assert torch.allclose(quantiles, torch.tensor([-3.09, -1.96, 0, 1.96, 3.09]), atol=0.05)
    assert (z[0] @ z[2]).abs() / 4096 < 0.1
