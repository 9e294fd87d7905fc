"""What is computed once while weights stand still: the same samples, and no other state."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from kdm.coders.unet_coders import UNetCoders
from kdm.networks.edm_layers import Conv
from kdm.networks.folded_unet import FoldedUNet
from kdm.networks.song_unet import SongUNet, SongUNetOptions
from kdm.operators import FactorisedOperator
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.students.koopman_student import KoopmanStudent
from kdm.students.regression import Regression
from kdm.students.student import Student
from storage.records import LabelRule, NoiseRule, PairSchema

SMALL: dict[str, Any] = {"model_channels": 8, "channel_mult": (1, 2), "num_blocks": 1}
WIDE: dict[str, Any] = {"model_channels": 64, "channel_mult": (1, 1), "attn_resolutions": (8,)}
ONE_LEVEL: dict[str, Any] = {"model_channels": 64, "channel_mult": (1,), "num_blocks": 1}
UNET = {"kind": "song-unet", **SMALL}
LABELS = torch.tensor([0, 2, 1])


def schema(*, num_classes: int = 3, side: int = 8) -> PairSchema:
    label = LabelRule(num_classes=num_classes) if num_classes else None
    return PairSchema(shape=(3, side, side), noise=NoiseRule(scale=80), label=label)


def coders(**changed: Any) -> UNetCoders:
    return UNetCoders(**{**SMALL, **changed})


STUDENTS: dict[str, Callable[[], Student]] = {
    "labels": lambda: Koopman(networks=coders()).build(schema()),
    "no labels": lambda: Koopman(networks=coders(attn_resolutions=(4,))).build(
        schema(num_classes=0)
    ),
    "labels of the networks": lambda: Koopman(networks=coders(labels="networks")).build(schema()),
    "without a bias": lambda: Koopman(networks=coders(), operator_bias=False).build(schema()),
    "factorised": lambda: KoopmanFactorised(networks=coders(latent_dim=12)).build(schema()),
    "large maps": lambda: Koopman(networks=coders(**WIDE, num_blocks=1)).build(schema(side=16)),
    "points": lambda: KoopmanFactorised().build(PairSchema(shape=(2,))),
    "regression": lambda: Regression(network=UNET).build(schema()),
}


def made(name: str) -> Student:
    torch.manual_seed(0)
    student = STUDENTS[name]()
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return student


def noise(name: str) -> Tensor:
    shape = {"points": (2,), "large maps": (3, 16, 16)}.get(name, (3, 8, 8))
    return 80 * torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


@pytest.mark.parametrize("name", STUDENTS)
def test_weights_that_stand_still_sample_what_those_that_learn_do(name: str) -> None:
    student = made(name)
    learning = student.generate(noise(name), LABELS)
    before = dict(student.named_parameters()), student.state_dict().keys()
    still = student.requires_grad_(False).generate(noise(name), LABELS)
    assert apart(still, learning) <= 1e-5
    assert (dict(student.named_parameters()), student.state_dict().keys()) == before
    assert torch.equal(student.generate(noise(name), LABELS), still)


@pytest.mark.parametrize("name", ["labels", "factorised", "regression"])
def test_a_weight_that_changes_all_the_same_is_seen(name: str) -> None:
    student = made(name).requires_grad_(False)
    before = student.generate(noise(name), LABELS)
    for weight in list(student.inference_modules()[-1].parameters())[-2:]:
        weight.mul_(1.5)
    changed = student.generate(noise(name), LABELS)
    student.load_state_dict(made(name).state_dict())
    assert apart(changed, before) > 1e-3
    assert torch.equal(student.generate(noise(name), LABELS), before)


def test_what_is_kept_is_kept_until_a_weight_changes() -> None:
    student = made("factorised").requires_grad_(False)
    assert isinstance(student, KoopmanStudent)
    kept = student.folded()
    assert student.folded() is kept
    assert torch.equal(kept.get_buffer("matrix"), student.operator.matrix())
    student.precision = "bfloat16"
    assert student.folded() is not kept


def test_a_student_that_learns_is_never_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    student = made("labels")
    assert isinstance(student, KoopmanStudent)
    monkeypatch.delattr(KoopmanStudent, "folded")
    x_T = noise("labels")
    with torch.no_grad():
        pushed = student.push(student.eval().encode_T(x_T, LABELS), LABELS)
        wanted = student.decode(pushed, LABELS)
    assert torch.equal(student.generate(x_T, LABELS), wanted)


def test_one_real_matrix_does_what_the_factors_do() -> None:
    torch.manual_seed(0)
    operator = FactorisedOperator(96).requires_grad_(False)
    z = torch.randn(3, 96)
    factors = operator.factors()
    P, P_inv, values = (torch.complex(*each) for each in factors)
    exact = (z.to(torch.complex128) @ (P * values @ P_inv).T.to(torch.complex128)).real
    assert apart(z @ operator.matrix().T, exact) <= 1e-5
    assert operator.bias() is None


@pytest.mark.usefixtures("narrow_vectors")
@pytest.mark.parametrize(("side", "num_kept"), [(16, 10), (8, 0)])
def test_kernels_of_large_maps_are_kept_in_winograds_form(side: int, num_kept: int) -> None:
    options = SongUNetOptions(img_resolution=side, in_channels=3, out_channels=1, **ONE_LEVEL)
    folded = FoldedUNet(SongUNet(options), 0.0, dtype=None)
    convs = [each for each in folded.modules() if isinstance(each, Conv)]
    assert sum(each.kernels is not None for each in convs) == num_kept


@pytest.mark.parametrize("name", ["labels", "large maps", "points", "regression"])
def test_bfloat16_comes_near_and_leaves_weights_as_they_are(name: str) -> None:
    student = made(name).requires_grad_(False)
    exact = student.generate(noise(name), LABELS)
    student.precision = "bfloat16"
    near = student.generate(noise(name), LABELS)
    assert near.dtype == torch.float32
    assert 1e-5 < apart(near, exact) < 0.1
    assert {each.dtype for each in student.parameters()} == {torch.float32}


def test_a_network_of_another_kind_is_not_folded() -> None:
    options = SongUNetOptions(
        img_resolution=8, in_channels=1, out_channels=1, encoder_type="residual", **SMALL
    )
    with pytest.raises(ValueError, match="'residual' encoder and a 'standard' decoder"):
        FoldedUNet(SongUNet(options), 0.0, dtype=None)
