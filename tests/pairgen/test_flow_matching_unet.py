"""The flow-matching teacher of pictures: its path, its labels, its network."""

import pytest
import torch
from torch import Tensor

from kdm.batch import Batch
from pairgen.samplers.midpoint import Midpoint
from pairgen.teachers.flow_matching_field import flow_matching_losses
from pairgen.teachers.flow_matching_unet import FlowMatchingUNet
from pairgen.teachers.picture_velocity import PictureVelocity
from pairgen.teachers.preview import preview

TINY = {"num_channels": 64, "num_res_blocks": 1, "channel_mult": (1, 1), "num_head_channels": 32}
SHAPE = (3, 8, 8)


def pictures(num: int = 8) -> Tensor:
    return torch.randn(num, *SHAPE, generator=torch.Generator().manual_seed(1))


def moved_network(**options) -> tuple[FlowMatchingUNet, PictureVelocity]:
    """With weights that matter, without dropout."""
    torch.manual_seed(0)
    teacher = FlowMatchingUNet(**TINY, dropout=0, **options)
    field = teacher.build(SHAPE)
    for parameter in field.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return teacher, field


def loss(teacher: FlowMatchingUNet, field: PictureVelocity) -> float:
    torch.manual_seed(1)
    return teacher.loss(field)(Batch(torch.arange(8), pictures())).total.item()


def test_an_untrained_network_has_the_loss_of_no_velocity():
    field, x_0 = FlowMatchingUNet(**TINY).build(SHAPE), pictures(500)
    found = flow_matching_losses(field, Batch(torch.arange(500), x_0)).total
    assert found.item() == pytest.approx(2, rel=0.05)  # ‖x_T - x_0‖² a value, both N(0, 1)


def test_the_loss_is_that_of_points_where_nothing_else_is_asked_for():
    teacher, field = moved_network()
    torch.manual_seed(1)
    plain = flow_matching_losses(field, Batch(torch.arange(8), pictures())).total.item()
    assert loss(teacher, field) == plain


def test_no_label_is_a_label_of_its_own():
    _, field = moved_network(num_classes=3)
    t, none = torch.tensor(0.5), torch.full((8,), 3)
    without, last = field.velocity(pictures(), t), field.velocity(pictures(), t, none - 1)
    assert torch.equal(field.velocity(pictures(), t, none), without)
    assert not torch.allclose(last, without, atol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_hidden_labels_train_the_label_for_none(share):
    teacher, field = moved_network(num_classes=3, label_dropout=share)
    batch = Batch(torch.arange(8), pictures(), label=torch.zeros(8, dtype=torch.int64))
    torch.manual_seed(1)
    teacher.loss(field)(batch).total.backward()
    is_trained = field.network.label_emb.weight.grad.abs().sum(1) > 0
    assert is_trained.tolist() == [True, False, False, share > 0]


def test_mirrored_pictures_are_others():
    (teacher, field), (flipping, _) = moved_network(), moved_network(flip=True)
    assert loss(teacher, field) != loss(flipping, field) == loss(flipping, field)


def test_a_preview_draws_classes_in_turn_without_the_label_for_none():
    _, field = moved_network(num_classes=3)
    found = preview(field, Midpoint(num_steps=1), SHAPE, num_classes=3)
    x_T = torch.randn(64, *SHAPE, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Midpoint(num_steps=1).sample(field, x_T, torch.arange(64) % 3).x_0, found)


@pytest.mark.parametrize(
    ("options", "shape", "fault"),
    [
        ({}, (2,), r"shape \(C, H, H\) .* not \(2,\); choose teacher 'flow-matching' for points"),
        ({}, (3, 8, 6), r"not \(3, 8, 6\)"),
        ({}, (3, 7, 7), "a multiple of 2, as it has 2 levels"),
        ({"num_head_channels": 48}, SHAPE, "has 64 channels, which aren't multiples of 48"),
        ({"num_channels": 80}, SHAPE, "80 channels don't divide into 32 groups"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(options, shape, fault):
    with pytest.raises(ValueError, match=fault):
        FlowMatchingUNet(**{**TINY, "num_head_channels": None, **options}).build(shape)


def test_labels_cannot_be_hidden_where_there_are_none():
    with pytest.raises(ValueError, match=r"label_dropout is 0\.1, but without num_classes"):
        FlowMatchingUNet(label_dropout=0.1)
