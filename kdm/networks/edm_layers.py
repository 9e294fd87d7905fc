"""Layers of the networks of Karras et al. 2022, "Elucidating the design space" (Sec. 3, App. C).

    block: h = conv1(drop(SiLU(norm1(conv0(SiLU(norm0(x))) ⊕ e)))),   x ← (h + skip(x)) · scale,
           and with attention x ← (proj(attend(qkv(norm2(x)))) + x) · scale

⊕ e adds a row of the embedding to each channel, or also scales it. Parameters and buffers have the names
of the released checkpoints. Convolutions and norms work in the number type of their input, so that one
set of float32 weights serves every precision; what makes the embedding stays in the type of its weights.
Each fast path gives the plain layer's numbers up to rounding, and is chosen by shape and processor alone.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from kdm.networks.attention import Layout, attend
from kdm.networks.fast import group_norm, winograd, winograd_learning
from kdm.networks.image_shapes import Embeddings, Encodings, Images, Maps, OneHot, Times
from kdm.networks.memory_format import is_plain, settled
from kdm.networks.plain import uses_own_kernels
from kdm.randomness.draws import draws

# Pixels of a map from which on doubling and convolving in one takes half the time in training on a CPU.
_LEAST_PIXELS_TO_DOUBLE = 8**2
# From here on a shift that all images share joins a bias there, which spares two passes over the map.
_LEAST_PIXELS_TO_SHIFT = 16**2

Shift = Float[Tensor, "o"]
Resample = Literal["keep", "up", "down"]


class Conv(nn.Module):
    """A k × k convolution after halving or doubling (`is_fused`: before it); k = 0 only resamples.

    `taps` is the resampling filter along one axis: (1, 1) repeats pixels, or takes the mean of four.
    Halving and doubling are of the sides h and w.
    """

    def __init__(
        self,
        num_in: int,
        num_out: int,
        *,
        kernel: int,
        resample: Resample = "keep",
        taps: tuple[float, ...] = (1.0, 1.0),
        is_fused: bool = False,
    ) -> None:
        super().__init__()
        self.num_out, self.kernel = num_out, kernel
        self._resample, self._taps, self._is_fused = resample, taps, is_fused
        self.weight: nn.Parameter | None
        self.bias: nn.Parameter | None
        self.weight, self.bias = _filled(num_in, num_out, kernel)
        if resample != "keep":
            self.register_buffer("resample_filter", _outer(taps))
        self.kernels: Tensor | None = None  # instead of the weight, once it no longer changes

    def transform(self) -> None:
        """Replace a 3×3 weight by its Winograd form, for use on a CPU without gradients."""
        assert self.weight is not None
        self.kernels, self.weight = winograd.transformed(self.weight.detach()), None

    def forward(self, x: Images, shift: Shift | None = None) -> Maps:
        """(n, num_in, h, w) to (n, num_out, h, w), halved or doubled; `shift` (num_out,) joins the bias."""
        if self._is_fused:
            return self._halve(self._convolve(x, (len(self._taps) - 1) // 2), padding=0)
        if self._resample == "up" and self.kernel == 1 and self._is_box:
            return self._double(self._convolve(x))  # the same numbers from a quarter of the work
        if self._doubles_at_once(x):
            return self._convolve_doubled(settled(x, times=4), shift)
        return self._convolve(self._resampled(x), shift=shift)

    @property
    def _is_box(self) -> bool:
        return len(self._taps) == 2 and self._taps[0] == self._taps[1]

    def _resampled(self, x: Images) -> Maps:
        """x (n, c, h, w) with its sides doubled, halved, or as they are."""
        if self._resample == "up":
            return self._double(x)
        if self._resample == "down":
            return self._halve(x, padding=(len(self._taps) - 1) // 2)
        return x

    def _convolve(self, x: Images, margin: int = 0, *, shift: Shift | None = None) -> Maps:
        """x convolved, with `margin` more pixels of padding: by the fastest of the equal methods.

        A convolution without a kernel gives x back.
        """
        if self.kernels is not None and self.bias is not None:
            return winograd.multiply(x, self.kernels, self.bias)
        if self.weight is None or self.bias is None:
            return x
        if not margin and winograd.is_faster(x, self.weight):
            return winograd.convolve(x, self.weight, self.bias)
        if not margin and winograd_learning.is_faster(x, self.weight):
            return winograd_learning.convolve(x, self.weight, self._bias(shift))
        weight, bias = self.weight.to(x.dtype), self._bias(shift).to(x.dtype)
        return F.conv2d(x, weight, bias, padding=self.kernel // 2 + margin)

    def _doubles_at_once(self, x: Images) -> bool:
        is_box = self._resample == "up" and self.kernel == 3 and self._is_box
        return is_box and x.shape[2] * x.shape[3] >= _LEAST_PIXELS_TO_DOUBLE and is_plain(x)

    def _bias(self, shift: Shift | None) -> Tensor:
        assert self.bias is not None
        return self.bias if shift is None else self.bias + shift

    def _convolve_doubled(self, x: Images, shift: Shift | None) -> Maps:
        """Doubling and a 3×3 convolution as one: each new pixel sees only 2×2 old ones.

        Weights that fall on the same old pixel are added first, which leaves 4/9 of the products.
        """
        assert self.weight is not None
        wide = F.pad(self.weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))
        rows = wide[:, :, 1:] + wide[:, :, :-1]
        summed = rows[:, :, :, 1:] + rows[:, :, :, :-1]
        return F.conv_transpose2d(x, summed, self._bias(shift), stride=2, padding=1)

    def _halve(self, x: Images, *, padding: int) -> Maps:
        """Half the sides: the mean of four pixels, or the filter's sum over its taps."""
        if self._is_box:
            return settled(F.avg_pool2d(x, 2))
        return F.conv2d(x, self._depthwise(x), stride=2, padding=padding, groups=x.shape[1])

    def _double(self, x: Images) -> Maps:
        """Twice the sides: each pixel four times, or spread by the filter, times 4 to keep the brightness."""
        if self._is_box:
            return F.interpolate(settled(x, times=4), scale_factor=2, mode="nearest")
        kernel, padding = 4 * self._depthwise(x), (len(self._taps) - 1) // 2
        return F.conv_transpose2d(x, kernel, stride=2, padding=padding, groups=x.shape[1])

    def _depthwise(self, x: Images) -> Tensor:
        kernel = self.get_buffer("resample_filter").to(x.dtype)
        return kernel.expand(x.shape[1], -1, -1, -1)


class Norm(nn.Module):
    """Group normalisation (Wu & He 2018), at least four channels a group and at most 32 groups.

    Raises a ValueError if the groups don't divide the channels.
    """

    def __init__(self, num_channels: int, *, eps: float) -> None:
        super().__init__()
        self._num_groups, self._eps = min(32, num_channels // 4), eps
        if num_channels % max(self._num_groups, 1):
            raise ValueError(
                f"{num_channels} channels don't divide into {self._num_groups} groups: "
                "choose a number of channels that 32 divides, or one below 128 that 4 divides"
            )
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))

    def forward(self, x: Images) -> Images:
        """(n, c, h, w): mean 0 and variance 1 in each group of each image, then a scale and shift."""
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        if group_norm.is_faster(x):
            return group_norm.group_norm(x, self._num_groups, weight, bias, self._eps)
        if not uses_own_kernels():
            x = x.contiguous()  # the only order in which torch can derive a norm in forward mode
        return F.group_norm(x, self._num_groups, weight, bias, self._eps)


class PositionalEmbedding(nn.Module):
    """cos and sin of c_noise at geometric frequencies from 1 to 1/10000 (Vaswani et al. 2017).

    [cos(ω_i c), sin(ω_i c)] with ω_i = 10000^{−i/(s/2)}, i < s/2, s = `size`. `has_endpoint`: the exponent's
    divisor is one less, so that the last frequency is 1/10000 itself; `sine_first`: [sin, cos].
    """

    def __init__(self, size: int, *, has_endpoint: bool, sine_first: bool) -> None:
        super().__init__()
        self._sine_first = sine_first
        steps = torch.arange(size // 2, dtype=torch.float32, device="cpu")
        freqs = (1 / 10_000) ** (steps / (size // 2 - int(has_endpoint)))
        self.register_buffer("_freqs", freqs, persistent=False)

    def forward(self, c_noise: Times) -> Encodings:
        """(m,) to (m, size)."""
        return _waves(c_noise, self.get_buffer("_freqs"), sine_first=self._sine_first)


class FourierEmbedding(nn.Module):
    """sin and cos of 2π c_noise at random frequencies of deviation 16 (Song et al. 2021, App. C).

    The frequencies are a buffer: drawn once from torch's global generator, saved, and not trained.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("freqs", torch.randn(size // 2) * 16)

    def forward(self, c_noise: Times) -> Encodings:
        """(m,) to (m, size)."""
        return _waves(c_noise, 2 * math.pi * self.get_buffer("freqs"), sine_first=True)


@dataclass(frozen=True)
class BlockStyle:
    """What all blocks of a network have in common."""

    embedding: int  # channels of the embedding
    eps: float  # of the norms
    dropout: float
    taps: tuple[float, ...] = (1.0, 1.0)  # of the resampling filter
    is_adaptive: bool = False  # the embedding scales as well as shifts
    projects_resampled: bool = True  # a resampled skip has its own convolution
    scale: float = 1.0  # after every sum
    head_channels: int | None = None  # None: one head


class Block(nn.Module):
    """A residual block with an embedding, resampling and attention (Karras et al. 2022, App. C).

    `resample` halves or doubles the map on both branches; a skip that changes channels has a 1×1
    convolution.
    """

    def __init__(
        self,
        num_in: int,
        num_out: int,
        *,
        style: BlockStyle,
        resample: Resample = "keep",
        has_attention: bool = False,
    ) -> None:
        super().__init__()
        self.num_out, self._style = num_out, style
        self.norm0 = Norm(num_in, eps=style.eps)
        self.conv0 = Conv(num_in, num_out, kernel=3, resample=resample, taps=style.taps)
        self.affine = nn.Linear(style.embedding, num_out * (2 if style.is_adaptive else 1))
        self.norm1 = Norm(num_out, eps=style.eps)
        self.conv1 = Conv(num_out, num_out, kernel=3)
        self.skip: Conv | None = None
        if num_in != num_out or resample != "keep":
            kernel = 1 if num_in != num_out or style.projects_resampled else 0
            self.skip = Conv(num_in, num_out, kernel=kernel, resample=resample, taps=style.taps)
        self.num_heads = _num_heads(num_out, style) if has_attention else 0
        if self.num_heads:
            self.norm2 = Norm(num_out, eps=style.eps)
            self.qkv = Conv(num_out, 3 * num_out, kernel=1)
            self.proj = Conv(num_out, num_out, kernel=1)

    def forward(self, x: Images, embedding: Embeddings) -> Maps:
        """(n, num_in, h, w) and e (n or 1, width) to (n, num_out, h, w), halved or doubled."""
        h = _silu(self.norm0(x))
        if self._shares_shift(h, embedding):
            h = self.norm1(self.conv0(h, self.affine(embedding)[0]))
        else:
            h = self._modulated(self.conv0(h), embedding)
        h = _silu(h)
        h = self.conv1(draws().dropout(h, self._style.dropout * self.training))
        x = self._sum(h, x if self.skip is None else self.skip(x))
        if not self.num_heads:
            return x
        qkv = self.qkv(self.norm2(x))
        attended = attend(qkv, self.num_heads, layout=Layout.HEAD_CHANNEL_PART)
        return self._sum(self.proj(attended), x)

    def _shares_shift(self, h: Images, embedding: Embeddings) -> bool:
        # Asked last, since len() of a program that is traced fixes the number of samples.
        is_shared = is_plain(h) and not self._style.is_adaptive and len(embedding) == 1
        return is_shared and h.shape[2] * h.shape[3] >= _LEAST_PIXELS_TO_SHIFT

    def _modulated(self, h: Images, embedding: Embeddings) -> Images:
        """norm1(h + e), or adaptive: norm1(h) (1 + e_scale) + e_shift; h is overwritten."""
        row = self.affine(embedding)[:, :, None, None].to(h.dtype)
        if not self._style.is_adaptive:
            return self.norm1(h.add_(row))  # type: ignore[no-any-return]
        scale, shift = row.chunk(2, 1)
        return torch.addcmul(shift, self.norm1(h), scale + 1)

    def _sum(self, branch: Images, x: Images) -> Images:
        total = branch.add_(x)
        return total if self._style.scale == 1 else total.mul_(self._style.scale)


def _silu(x: Images) -> Images:
    # In place it would keep a copy of x for its gradient.
    return F.silu(x, inplace=not torch.is_grad_enabled())


def hide_labels(labels: OneHot, *, share: float) -> OneHot:
    """Labels (n, classes) with a random share of rows set to 0: the network learns to do without."""
    if not share:
        return labels
    return labels * (draws().uniform((len(labels), 1), like=labels) >= share)


def _filled(
    num_in: int, num_out: int, kernel: int
) -> tuple[nn.Parameter, nn.Parameter] | tuple[None, None]:
    """A kernel (num_out, num_in, k, k) and a bias as PyTorch initialises them; None without a kernel."""
    if not kernel:
        return None, None
    layer = nn.Conv2d(num_in, num_out, kernel)
    assert layer.bias is not None
    return nn.Parameter(layer.weight), nn.Parameter(layer.bias)


def _num_heads(num_channels: int, style: BlockStyle) -> int:
    return 1 if style.head_channels is None else num_channels // style.head_channels


def _outer(taps: tuple[float, ...]) -> Tensor:
    line = torch.tensor(taps, dtype=torch.float32, device="cpu")
    return (torch.outer(line, line) / line.sum() ** 2)[None, None]


def _waves(c_noise: Times, freqs: Tensor, *, sine_first: bool) -> Encodings:
    """cos and sin (m, 2f) of c_noise (m,) times frequencies (f,)."""
    angles = c_noise.to(freqs.dtype)[:, None] * freqs
    waves = [angles.sin(), angles.cos()]
    return torch.cat(waves if sine_first else waves[::-1], 1)
