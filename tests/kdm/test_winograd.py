"""Fast 3×3 convolutions against plain ones."""

import pytest
import torch
import torch.nn.functional as F

from kdm.networks.edm_layers import Conv
from kdm.networks.fast import processor, winograd, winograd_learning

has_wide_vectors = processor.has_wide_vectors.__wrapped__  # asks each time
pytestmark = [pytest.mark.processor, pytest.mark.usefixtures("narrow_vectors")]


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


def test_wide_vectors_leave_convolutions_to_torch_unless_they_are_held_lower(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, wide = torch.empty(1, 128, 32, 32), torch.empty(128, 128, 3, 3)
    monkeypatch.setattr("torch.cpu._is_avx512_supported", lambda: True)
    monkeypatch.setattr(processor, "has_wide_vectors", has_wide_vectors)
    for held, is_wide in (("", True), ("AVX512_CORE", True), ("AVX2", False), ("sse41", False)):
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", held)
        assert has_wide_vectors() is is_wide
        assert winograd_learning.is_faster(x, wide) is not is_wide
        with torch.no_grad():
            assert winograd.is_faster(x, wide) is not is_wide
