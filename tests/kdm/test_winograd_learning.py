"""Convolutions, norms and dropout of large maps in training, against torch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kdm.networks.edm_layers import Block, BlockStyle, Conv, Norm
from kdm.networks.fast import group_norm, winograd_learning
from kdm.randomness.draws import TorchDraws

ORDERS = (torch.contiguous_format, torch.channels_last)

pytestmark = [pytest.mark.processor, pytest.mark.usefixtures("narrow_vectors")]


def gradients(layer: torch.nn.Module, x: Tensor, y: Tensor, of_y: Tensor) -> list[Tensor]:
    inputs = (x, *layer.parameters())
    return list(torch.autograd.grad(y, inputs, of_y.to(y.dtype), retain_graph=True))


def away(made: Tensor, exact: Tensor) -> float:
    return float((made - exact).detach().abs().max() / exact.detach().abs().max())


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("channels", "side"), [((128, 64), 32), ((128, 128), 16)])
def test_a_convolution_and_its_gradients_are_as_exact_as_plain_ones(
    channels: tuple[int, int], side: int, order: torch.memory_format
) -> None:
    torch.manual_seed(0)
    layer = Conv(*channels, kernel=3)
    x = torch.randn(3, channels[0], side, side + 4).contiguous(memory_format=order)
    x.requires_grad_()
    assert winograd_learning.is_faster(x, layer.weight)
    made = layer(x)
    exact = F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)
    of_y = torch.randn_like(made)
    assert made.is_contiguous(memory_format=order)
    pairs = zip(
        [made, *gradients(layer, x, made, of_y)],
        [exact, *gradients(layer, x, exact, of_y)],
        strict=True,
    )
    assert max(away(one, other) for one, other in pairs) <= 6e-6


def test_frozen_weights_get_no_gradient_and_pass_it_on() -> None:
    layer, x = Conv(256, 128, kernel=3).requires_grad_(False), torch.randn(1, 256, 16, 16)
    layer(x.requires_grad_()).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is None


def test_other_convolutions_are_torchs() -> None:
    wide, x = torch.empty(64, 256, 3, 3), torch.empty(1, 256, 16, 16)
    assert winograd_learning.is_faster(x, wide)
    assert not winograd_learning.is_faster(x, wide[:32])
    for other in (x.bfloat16(), x.to("meta"), x[:, :, :8], x[:, :, :, :14].repeat(1, 1, 2, 1)):
        assert not winograd_learning.is_faster(other, wide)
    with torch.no_grad():
        assert not winograd_learning.is_faster(x, wide)
    with torch.autocast("cpu", torch.bfloat16):
        assert not winograd_learning.is_faster(x, wide)


def test_a_norm_in_channels_last_has_torchs_gradients() -> None:
    torch.manual_seed(0)
    layer = Norm(32, eps=1e-6)
    x = torch.randn(2, 32, 32, 32).contiguous(memory_format=torch.channels_last).requires_grad_()
    torch.nn.init.normal_(layer.weight)
    assert group_norm.is_faster(x)
    made, plain = layer(x), F.group_norm(x, 8, layer.weight, layer.bias, 1e-6)
    assert torch.equal(made, plain)
    of_y = torch.randn_like(made)
    both = [gradients(layer, x, each, of_y) for each in (made, plain)]
    assert max(away(one, other) for one, other in zip(*both, strict=True)) <= 3e-6


@pytest.mark.parametrize("side", [8, 16])
def test_a_doubled_map_convolved_at_once_has_plain_gradients(side: int) -> None:
    torch.manual_seed(0)
    layer, x = Conv(8, 4, kernel=3, resample="up"), torch.randn(2, 8, side, side)
    made = layer(x.requires_grad_())
    doubled = F.interpolate(x, scale_factor=2, mode="nearest")
    plain = F.conv2d(doubled, layer.weight, layer.bias, padding=1)
    of_y = torch.randn_like(plain)
    both = [[each, *gradients(layer, x, each, of_y)] for each in (made, plain)]
    assert max(away(one, other) for one, other in zip(*both, strict=True)) <= 3e-6


@pytest.mark.parametrize("order", ORDERS)
def test_dropout_of_a_large_map_keeps_its_share_and_mean(order: torch.memory_format) -> None:
    torch.manual_seed(0)
    x = torch.ones(5, 3, 33, 33).contiguous(memory_format=order).requires_grad_()
    made = TorchDraws().dropout(x, 0.25)
    made.sum().backward()
    kept = (made != 0).float()
    assert kept.mean().item() == pytest.approx(0.75, abs=0.02)
    assert torch.equal(made, kept / 0.75)
    assert torch.equal(x.grad, made)


def test_a_shift_that_all_images_share_is_that_of_each() -> None:
    torch.manual_seed(0)
    style = BlockStyle(embedding=6, eps=1e-6, dropout=0.0)
    block, x = Block(8, 12, style=style), torch.randn(3, 8, 16, 16, requires_grad=True)
    row, of_y = torch.randn(1, 6), torch.randn(3, 12, 16, 16)
    both = [block(x, rows) for rows in (row, row.expand(3, -1))]
    found = [[each, *gradients(block, x, each, of_y)] for each in both]
    assert max(away(one, other) for one, other in zip(*found, strict=True)) <= 1e-5


def test_dropout_follows_the_generator() -> None:
    x = torch.ones(2, 3, 16, 16)
    first, second, again = [
        TorchDraws().dropout(x, 0.5) for seed in (1, 2, 1) if torch.manual_seed(seed)
    ]
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
