"""KDM and KDM-F with `init: teacher`: their coders begin as the teacher's denoiser, their operator as 1."""

from typing import Any

import pytest
import torch
from test_teacher_start import (
    LABELS,
    SCHEMA,
    SHAPE,
    TEACHERS,
    TRAINED,
    WEIGHTS,
    field_of,
    near,
    network_of,
    noise,
    started,
)
from torch import Tensor

from kdm.batch import Batch
from kdm.coders.denoiser_codes import DenoiserCode
from kdm.flops import sample_flops
from kdm.losses.adversarial import NonSaturating
from kdm.operators import FactorisedOperator
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.students.koopman_student import KoopmanStudent
from kdm.students.plugin import GROUP
from kdm.training.teacher_weights import take_over
from storage.plugins import configure, describe
from storage.records import NoiseRule, PairSchema

KINDS = (Koopman, KoopmanFactorised)


def twice_denoised(teacher: str, x_T: Tensor, sigma: float) -> Tensor:
    """D_θ(D_θ(x_T; σ_T, y); σ, y)."""
    field = field_of(TEACHERS[teacher])
    x = field.denoised(x_T, torch.full((1,), 80.0), LABELS)
    return field.denoised(x, torch.full((1,), sigma), LABELS)


@pytest.mark.parametrize("teacher", TEACHERS)
@pytest.mark.parametrize("kind", KINDS)
def test_before_training_a_sample_is_denoised_twice(kind: type[Any], teacher: str) -> None:
    x_T, wanted = noise(), twice_denoised(teacher, noise(), 0.5)
    student = started(kind, TEACHERS[teacher], init={"sigma": 0.5}, data_scale=0.5)
    # New channels begin near 0, and not at 0. P (P Λ)^-1 rounds, which a large x_T shows.
    share = 5e-5 if kind is Koopman else 1e-3
    assert near(student.generate(x_T, LABELS), wanted, share)
    assert near(student.requires_grad_(False).generate(x_T, LABELS), wanted, share)


@pytest.mark.parametrize("rows", [1, 64])  # factor by factor, and as one matrix
def test_an_inverse_is_no_rounding_in_bfloat16(rows: int) -> None:
    torch.manual_seed(0)
    operator = FactorisedOperator(192)
    operator.begin_as_identity()
    z = torch.randn(3 * rows, 192)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert (operator(z) - z).abs().max() < 1e-3
        assert (operator.matrix() - torch.eye(192)).abs().max() < 1e-3
        assert operator(z.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("latent_channels", [2, None, 5])
def test_the_first_latents_are_a_picture_and_the_others_new(latent_channels: int | None) -> None:
    student = started(Koopman, TRAINED, init={"latent_channels": latent_channels}, data_scale=0.5)
    assert isinstance(student, KoopmanStudent)
    channels = latent_channels or SHAPE[0]
    x_T, shared = noise(), min(channels, SHAPE[0])
    wanted = field_of(TRAINED).denoised(x_T, torch.full((1,), 80.0), LABELS)
    with torch.no_grad():
        z = student.encode_T(x_T, LABELS).unflatten(1, (channels, *SHAPE[1:]))
    assert near(0.5 * z[:, :shared], wanted[:, :shared], 2e-6)
    assert channels <= 3 or float(z[:, 3:].abs().max()) < 1e-3
    assert student.generate(x_T, LABELS).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_learns_also_those_of_new_channels(kind: type[Any]) -> None:
    student = started(kind, TRAINED, init={"latent_channels": 4})
    x_T = noise()
    batch = Batch(torch.arange(5), x_0=torch.tanh(x_T), x_T=x_T, label=LABELS)
    student.measure(batch).total.backward()
    for name, each in student.named_parameters():
        if "map_augment" not in name and "penalties" not in name:
            assert each.grad is not None, name
            assert each.grad.abs().max() > 0, name
    last = student.encoder_T.denoiser.model.dec["8x8_aux_conv"].weight.grad
    first = student.decoder.denoiser.model.enc["8x8_conv"].weight.grad
    assert last[3].abs().max() > 0
    assert first.shape[1] == 4
    assert first[:, 3].abs().max() > 0


def test_encoder_of_noise_and_of_data_differ_in_their_level_alone() -> None:
    student = started(Koopman, TRAINED, init={"latent_channels": 4})
    codes = student.encoder_0, student.encoder_T
    assert all(isinstance(each, DenoiserCode) for each in codes)
    assert [each.sigma for each in codes] == [0.3, 80.0]
    new = ("dec.8x8_aux_conv.weight", "dec.8x8_aux_conv.bias")
    ours, theirs = (each.denoiser.model.state_dict() for each in codes)
    for name in ours:
        assert name in new or torch.equal(ours[name], theirs[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_students_with_random_coders_are_as_before(kind: type[Any]) -> None:
    assert "init" not in describe(kind())
    chosen = kind(init={"network": network_of(TRAINED).model_dump()})
    assert describe(chosen)["init"]["network"]["weights"] == WEIGHTS
    assert configure(GROUP, describe(chosen)) == chosen


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(
        ValueError, match="leave out networks, and say what latents are like in init"
    ):
        Koopman(init="teacher", networks={"kind": "song-unet"})
    with pytest.raises(ValueError, match="for pictures of shape"):
        Koopman(init="teacher").require_trainable(PairSchema(shape=(2,)))
    with pytest.raises(ValueError, match="nobody has said which"):
        Koopman(init="teacher").require_trainable(SCHEMA)
    Koopman(init="teacher").require_shape((3, 128, 128))
    with pytest.raises(
        ValueError, match=r"latents would have 196,608 numbers, .* 3\.9e\+10; at most"
    ):
        Koopman(init="teacher").require_shape((3, 256, 256))
    wide = {"kind": "song-unet", "latent_channels": 2}
    with pytest.raises(ValueError, match="choose fewer latent_channels"):
        KoopmanFactorised(networks=wide).require_shape((3, 256, 256))
    with pytest.raises(ValueError, match="with learns_operator false it stays 1"):
        Koopman(learns_operator=False, penalties={"targets": "conjugate-disc"})
    student = Koopman(init={"network": network_of(TRAINED)}).build(SCHEMA)
    weights = dict(field_of(TRAINED).state_dict())
    name = "denoiser.model.map_layer0.weight"
    weights[name] = weights[name][:, :4]
    with pytest.raises(RuntimeError, match=r"size mismatch for model\.map_layer0\.weight"):
        take_over(student, weights)
    del weights[name]
    with pytest.raises(RuntimeError, match="Missing key"):
        take_over(student, weights)


def test_a_plan_without_a_known_teacher_counts_edms_network_twice() -> None:
    pictures = PairSchema(shape=(3, 32, 32), noise=NoiseRule(scale=80))
    plan = Koopman(init="teacher", adversary=NonSaturating())
    # Two passes of 42.25 GFLOPs, and a matrix of 3,072².
    assert sample_flops(plan, pictures).total == pytest.approx(2 * 42.25e9 + 2 * 3072**2, rel=0.01)


def test_an_operator_that_does_not_learn_stays_the_identity() -> None:
    student = Koopman(learns_operator=False, networks={"latent_dim": 6}).build(
        PairSchema(shape=(2,))
    )
    assert torch.equal(student.operator.matrix(), torch.eye(6))
    assert not any(each.requires_grad for each in student.operator.parameters())
    assert "learns_operator" not in describe(Koopman())
