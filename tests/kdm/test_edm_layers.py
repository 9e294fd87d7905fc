"""Layers of the EDM networks against their definitions written out."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kdm.networks.attention import Layout, attend
from kdm.networks.edm_layers import Conv, Norm

TAPS = [(1.0, 1.0), (1.0, 3.0, 3.0, 1.0)]


def depthwise(
    x: Tensor, taps: tuple[float, ...], *, up: bool, padding: int | None = None
) -> Tensor:
    line = torch.tensor(taps, dtype=torch.float32)
    kernel = (torch.outer(line, line) / line.sum() ** 2).expand(x.shape[1], 1, -1, -1)
    pad = (len(taps) - 1) // 2 if padding is None else padding
    if up:
        return F.conv_transpose2d(x, 4 * kernel, stride=2, padding=pad, groups=x.shape[1])
    return F.conv2d(x, kernel, stride=2, padding=pad, groups=x.shape[1])


@pytest.mark.parametrize("taps", TAPS)
@pytest.mark.parametrize("resample", ["up", "down"])
@pytest.mark.parametrize("kernel", [0, 1, 3])
def test_a_convolution_follows_its_resampling(taps: tuple, resample: str, kernel: int) -> None:
    torch.manual_seed(0)
    layer, x = Conv(4, 4, kernel=kernel, resample=resample, taps=taps), torch.randn(2, 4, 8, 8)
    expected = depthwise(x, taps, up=resample == "up")
    if kernel:
        expected = F.conv2d(expected, layer.weight, layer.bias, padding=kernel // 2)
    assert torch.allclose(layer(x), expected, atol=1e-6)


@pytest.mark.parametrize("taps", TAPS)
def test_a_fused_convolution_precedes_its_resampling(taps: tuple) -> None:
    torch.manual_seed(0)
    layer = Conv(4, 6, kernel=3, resample="down", taps=taps, is_fused=True)
    x = torch.randn(2, 4, 8, 8)
    wide = F.conv2d(x, layer.weight, None, padding=1 + (len(taps) - 1) // 2)
    expected = depthwise(wide, taps, up=False, padding=0) + layer.bias[:, None, None]
    assert torch.allclose(layer(x), expected, atol=1e-6)


@pytest.mark.parametrize("layout", list(Layout))
def test_attention_is_a_softmax_over_pixels_in_every_layout(layout: Layout) -> None:
    torch.manual_seed(0)
    parts = torch.randn(3, 2, 2, 8, 16)  # part, image, head, channel, pixel
    q, k, v = parts
    weights = (q.transpose(2, 3) @ k / 8**0.5).softmax(-1)
    expected = (v @ weights.transpose(2, 3)).reshape(2, 16, 4, 4)
    order = {"part": 0, "head": 2, "channel": 3}
    axes = [order[name] for name in layout.value.split(", ")]
    qkv = parts.permute(1, *axes, 4).reshape(2, 48, 4, 4)
    assert torch.allclose(attend(qkv, 2, layout=layout), expected, atol=1e-6)


def test_a_norm_names_the_widths_it_takes() -> None:
    with pytest.raises(ValueError, match="144 channels don't divide into 32 groups"):
        Norm(144, eps=1e-6)
