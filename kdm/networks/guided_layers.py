"""Layers of guided-diffusion's U-Net (Dhariwal & Nichol 2021, Sec. 3) with its state-dict names.

ResBlock:        x + conv(drop(SiLU(norm(conv(SiLU(norm(x))) ⊕ e))))
AttentionBlock:  x + proj(attend(qkv(norm(x))))
"""

from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import nn

from kdm.networks.attention import Layout, attend
from kdm.networks.fast import group_norm, winograd, winograd_learning
from kdm.networks.image_shapes import Embeddings, Images, Maps
from kdm.randomness.draws import draws

LayerT = TypeVar("LayerT", bound=nn.Module)
NUM_GROUPS = 32  # of every group normalisation; channels must be a multiple


class ResBlock(nn.Module):
    """norm, SiLU, (resample,) conv; the embedding; norm, SiLU, dropout, conv; and the sum.

    `is_film`: the embedding scales and shifts the output of the second norm (FiLM); otherwise it is
    added before it. SiLU of the embedding is computed once for all blocks, by the network.
    """

    def __init__(
        self,
        num_in: int,
        num_out: int,
        *,
        embedding: int,
        dropout: float,
        is_film: bool,
        resample: Literal["keep", "up", "down"] = "keep",
    ) -> None:
        super().__init__()
        self.num_out, self._is_film, self._resample = num_out, is_film, resample
        self.in_layers = nn.Sequential(norm(num_in), _silu(), Conv3(num_in, num_out))
        width = 2 * num_out if is_film else num_out
        self.emb_layers = nn.Sequential(nn.Identity(), nn.Linear(embedding, width))
        self.out_layers = nn.Sequential(
            norm(num_out), _silu(), Dropout(dropout), _zeroed(Conv3(num_out, num_out))
        )
        same = num_in == num_out
        self.skip_connection = nn.Identity() if same else nn.Conv2d(num_in, num_out, 1)

    def forward(self, x: Images, embedding: Embeddings) -> Maps:
        """(n, num_in, h, w) and e (n or 1, width) to (n, num_out, h, w), halved or doubled."""
        h = self.in_layers[2](self._resampled(self.in_layers[1](self.in_layers[0](x))))
        h = self._modulated(h, embedding)
        for number in (1, 2, 3):
            h = self.out_layers[number](h)
        return h + self.skip_connection(self._resampled(x))  # type: ignore[no-any-return]

    def _modulated(self, h: Images, embedding: Embeddings) -> Images:
        """norm(h + e), or FiLM: norm(h) (1 + e_scale) + e_shift."""
        row = self.emb_layers(embedding)[:, :, None, None].to(h.dtype)
        if not self._is_film:
            return self.out_layers[0](h + row)  # type: ignore[no-any-return]
        scale, shift = row.chunk(2, 1)
        return torch.addcmul(shift, self.out_layers[0](h), 1 + scale)

    def _resampled(self, x: Images) -> Maps:
        """x (n, c, h, w) with its sides doubled, halved, or as they are."""
        if self._resample == "up":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return F.avg_pool2d(x, 2) if self._resample == "down" else x


class Dropout(nn.Dropout):
    """Dropout with the random numbers that the trainer has chosen (kdm/randomness/draws.py)."""

    def forward(self, x: Images) -> Images:
        """(n, ...) to the same shape; x itself in evaluation mode."""
        return draws().dropout(x, self.p * self.training)


class AttentionBlock(nn.Module):
    """norm, qkv, attention over pixels, projection, and the sum; `layout` numbers qkv's channels."""

    def __init__(self, num_channels: int, *, num_heads: int, layout: Layout) -> None:
        super().__init__()
        self._num_heads, self._layout = num_heads, layout
        self.norm = norm(num_channels)
        self.qkv = nn.Conv1d(num_channels, 3 * num_channels, 1)
        self.proj_out = _zeroed(nn.Conv1d(num_channels, num_channels, 1))

    def forward(self, x: Images) -> Images:
        """(n, c, h, w) to the same shape."""
        attended = attend(_per_pixel(self.qkv, self.norm(x)), self._num_heads, layout=self._layout)
        return x + _per_pixel(self.proj_out, attended)


class Downsample(nn.Module):
    """Half the size, by a learned convolution or by the mean of four pixels."""

    def __init__(self, num_channels: int, *, is_learned: bool) -> None:
        super().__init__()
        learned = nn.Conv2d(num_channels, num_channels, 3, stride=2, padding=1)
        self.op = learned if is_learned else nn.AvgPool2d(2)

    def forward(self, x: Images) -> Maps:
        """(n, c, h, w) to (n, c, h/2, w/2); an odd side is rounded up if learned."""
        return self.op(x)  # type: ignore[no-any-return]


class Upsample(nn.Module):
    """Twice the size: every pixel four times, and then a convolution if `is_learned`."""

    def __init__(self, num_channels: int, *, is_learned: bool) -> None:
        super().__init__()
        self.conv = Conv3(num_channels, num_channels) if is_learned else nn.Identity()

    def forward(self, x: Images) -> Maps:
        """(n, c, h, w) to (n, c, 2h, 2w)."""
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))  # type: ignore[no-any-return]


class Stage(nn.ModuleList):
    """Layers in a row, of which the residual blocks also see the embedding."""

    def forward(self, x: Images, embedding: Embeddings) -> Maps:
        """x (n, c, h, w) through each layer in turn; e (n or 1, width) goes to the residual blocks."""
        for layer in self:
            x = layer(x, embedding) if isinstance(layer, ResBlock) else layer(x)
        return x


def norm(num_channels: int) -> nn.GroupNorm:
    """Group normalisation with 32 groups; a ValueError if 32 doesn't divide the channels."""
    if num_channels % NUM_GROUPS:
        raise ValueError(
            f"{num_channels} channels don't divide into {NUM_GROUPS} groups: choose "
            f"model_channels and channel_mult so that every product is a multiple of {NUM_GROUPS}"
        )
    return _Norm(NUM_GROUPS, num_channels)


class _Norm(nn.GroupNorm):
    def forward(self, x: Images) -> Images:
        """(n, c, h, w) to the same shape."""
        if group_norm.is_faster(x):
            return group_norm.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
        return super().forward(x)


class Conv3(nn.Conv2d):
    """A 3×3 convolution that keeps the size, by Winograd's algorithm if that is faster."""

    def __init__(self, num_in: int, num_out: int) -> None:
        super().__init__(num_in, num_out, 3, padding=1)

    def forward(self, x: Images) -> Maps:
        """(n, num_in, h, w) to (n, num_out, h, w)."""
        if self.bias is not None and winograd.is_faster(x, self.weight):
            return winograd.convolve(x, self.weight, self.bias)
        if self.bias is not None and winograd_learning.is_faster(x, self.weight):
            return winograd_learning.convolve(x, self.weight, self.bias)
        return super().forward(x)


def _silu() -> nn.SiLU:
    return nn.SiLU(inplace=True)  # only ever of a norm's output, which no one else reads


def _per_pixel(layer: nn.Conv1d, x: Images) -> Maps:
    return F.conv2d(x, layer.weight[..., None], layer.bias)  # leaves channels_last as it is


@torch.no_grad()
def _zeroed(layer: LayerT) -> LayerT:
    """A layer with weights and bias 0: the branch that it ends starts out silent."""
    for parameter in layer.parameters():
        parameter.zero_()
    return layer
