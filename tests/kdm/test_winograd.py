"""Fast 3×3 convolutions against plain ones."""

import pytest
import torch
import torch.nn.functional as F

from kdm.networks import winograd
from kdm.networks.edm_layers import Conv


@pytest.mark.parametrize("channels", [(128, 64), (96, 256)])
@pytest.mark.parametrize("num", [1, 3])
def test_a_convolution_is_as_exact_as_a_plain_one(channels: tuple[int, int], num: int) -> None:
    torch.manual_seed(0)
    layer = Conv(*channels, kernel=3)
    x = F.silu(torch.randn(num, channels[0], 32, 36))
    exact = F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)
    with torch.no_grad():
        assert winograd.is_faster(x, layer.weight)
        made = layer(x)
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert (made - exact).abs().max() <= 4e-6 * exact.abs().max()


def test_other_convolutions_are_torchs() -> None:
    wide, narrow = torch.empty(128, 128, 3, 3), torch.empty(32, 32, 3, 3)
    x = torch.empty(1, 128, 32, 32)
    assert not winograd.is_faster(x, wide)  # gradients are wanted
    with torch.no_grad():
        assert winograd.is_faster(x, wide)
        for other in (x.bfloat16(), x.to("meta"), x[:, :, :16], x[:, :, :, :30].repeat(1, 1, 2, 1)):
            assert not winograd.is_faster(other, wide)
        assert not winograd.is_faster(x, wide[:, :, :1, :1])
        assert not winograd.is_faster(x[:, :32], narrow)


@pytest.mark.parametrize("at_once", [0, 1, 2])
def test_a_kept_kernel_gives_what_its_weight_gives(at_once: int) -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(3, 64, 16, 16), torch.randn(64, 64, 3, 3), torch.randn(64)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    made = winograd.multiply(x, winograd.transformed(weight), bias, at_once=at_once)
    assert (made - exact).abs().max() <= 4e-6 * exact.abs().max()
