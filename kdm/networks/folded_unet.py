"""SongUNet at one noise level, with weights that don't change: what follows from both is computed once.

    conv0(·) + e_y  →  one bias, or a row of a table for class y          (h + x) √½  →  √½ in h's weights

A block adds a row of the embedding after its first convolution and multiplies by √½ after every sum. At one
noise level, as KDM's constant times are, the row is known. In real numbers nothing changes; in float32
results agree to about 1e-6.
"""

import copy
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from kdm.networks.attention import Layout, attend
from kdm.networks.edm_layers import Block, Conv, Norm
from kdm.networks.fast import processor
from kdm.networks.image_shapes import ClassLabels, Images, Maps
from kdm.networks.memory_format import settled
from kdm.networks.plain import uses_own_kernels
from kdm.networks.song_unet import SongUNet

Shift = Float[Tensor, "o"]
Row = Float[Tensor, "n o"]
_SCALE = math.sqrt(0.5)
# From these sizes on Winograd pays with kept kernels: a side in pixels, channels in times out.
_LEAST_SIDE, _LEAST_WEIGHTS = 16, 2**12


class FoldedUNet(nn.Module):
    """F_θ(x; c_noise, label), computed in `dtype`, or else in θ's own type.

    It is a copy: later changes of θ don't reach it. In float32 on a CPU without wide vectors it keeps 3×3
    kernels of large maps in Winograd's form, at four times their memory. Raises a ValueError for a
    network whose encoder or decoder isn't the standard one.
    """

    table: Tensor | None  # (classes, channels of all blocks): e_y for each block

    @torch.no_grad()
    def __init__(self, unet: SongUNet, c_noise: float, *, dtype: torch.dtype | None) -> None:
        super().__init__()
        _require_standard(unet)
        blocks = [each for each in unet.modules() if isinstance(each, Block)]
        rows, num_classes = _rows(unet, blocks, c_noise), unet.options.label_dim
        self._widths = [block.num_out for block in blocks]
        self._dtype = dtype or rows.dtype
        shifts = [None] * len(blocks) if num_classes else torch.split(rows[0], self._widths)
        folded = (FoldedBlock(*each) for each in zip(blocks, shifts, strict=True))
        self.enc, self.dec = (_side(side, folded) for side in (unet.enc, unet.dec))
        self.register_buffer("table", rows if num_classes else None)
        self.to(self._dtype).requires_grad_(False)
        if rows.device.type == "cuda":
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        is_plain = rows.device.type == "cpu" and self._dtype == torch.float32
        if is_plain and not processor.has_wide_vectors() and uses_own_kernels():
            self._transform()

    def forward(self, x: Images, label: ClassLabels | None = None) -> Maps:
        """Images (n, c, h, w) to maps (n, out, h, w) of their type; `label` (n,) are class numbers."""
        with _without_autocast(x):  # all is in its type already
            given, rows = x.dtype, self._rows(label)
            x, skips = settled(self._ordered(x.to(self._dtype))), []
            for layer in self.enc.values():
                x = settled(layer(x, next(rows)) if isinstance(layer, FoldedBlock) else layer(x))
                skips.append(x)
            for name, layer in self.dec.items():
                if isinstance(layer, FoldedBlock):
                    x = torch.cat([x, skips.pop()], 1) if "block" in name else x
                    x = settled(layer(x, next(rows)))
                else:
                    x = F.silu(layer(x), inplace=True) if isinstance(layer, Norm) else layer(x)
            return x.to(given)

    def _transform(self) -> None:
        """Use Winograd's convolutions for large maps: a layer's name begins with their side."""
        for side in (self.enc, self.dec):
            for name, layer in side.items():
                num_pixels = int(name.partition("x")[0])
                if num_pixels >= _LEAST_SIDE and num_pixels % 4 == 0:
                    _transform_convolutions(layer)

    def _rows(self, label: ClassLabels | None) -> "Iterator[Row | None]":
        """What each block adds for these labels; None if its bias has it already."""
        if self.table is None:
            return iter([None] * len(self._widths))
        assert label is not None
        return iter(torch.split(self.table[label], self._widths, 1))

    def _ordered(self, x: Images) -> Images:
        is_gpu = x.device.type == "cuda"
        return x.contiguous(memory_format=torch.channels_last) if is_gpu else x


class FoldedBlock(nn.Module):
    """A block whose embedding is known, except for the class, if there are classes."""

    def __init__(self, block: Block, shift: Shift | None) -> None:
        super().__init__()
        self.norm0, self.norm1 = copy.deepcopy(block.norm0), copy.deepcopy(block.norm1)
        self.conv0 = _folded(block.conv0, plus=shift)
        self.conv1 = _folded(block.conv1, times=_SCALE)
        self.skip = None if block.skip is None else _folded(block.skip, times=_SCALE)
        self.num_heads = block.num_heads
        if self.num_heads:
            self.norm2, self.qkv = copy.deepcopy(block.norm2), copy.deepcopy(block.qkv)
            self.proj = _folded(block.proj, times=_SCALE)

    def forward(self, x: Images, row: Row | None) -> Maps:
        """(n, num_in, h, w) and e_y (n, num_out) or None to (n, num_out, h, w), halved or doubled."""
        h = settled(self.conv0(F.silu(self.norm0(x), inplace=True)))
        h = h if row is None else h.add_(row[:, :, None, None])
        h = settled(self.conv1(F.silu(self.norm1(h), inplace=True)))
        x = h.add_(x, alpha=_SCALE) if self.skip is None else h.add_(self.skip(x))
        if not self.num_heads:
            return x
        attended = attend(self.qkv(self.norm2(x)), self.num_heads, layout=Layout.HEAD_CHANNEL_PART)
        summed: Maps = self.proj(attended).add_(x, alpha=_SCALE)
        return summed


def _without_autocast(x: Images) -> AbstractContextManager[object]:
    """Off where it is on: a program that is traced has no more steps than it needs."""
    if x.is_meta or not torch.is_autocast_enabled(x.device.type):
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def _require_standard(unet: SongUNet) -> None:
    """A ValueError for a network that carries a second picture along, which isn't folded here."""
    kinds = unet.options.encoder_type, unet.options.decoder_type
    if kinds != ("standard", "standard"):
        raise ValueError(
            f"a network with a '{kinds[0]}' encoder and a '{kinds[1]}' decoder can't be folded; "
            "only one with 'standard' ones can"
        )


def _rows(unet: SongUNet, blocks: list[Block], c_noise: float) -> Row:
    """e (classes or 1, channels of all blocks): what each block adds after its first convolution."""
    weight, num_classes = unet.map_layer0.weight, unet.options.label_dim
    labels = torch.eye(num_classes, device=weight.device) if num_classes else None
    embedding = unet.embedding(weight.new_full((1,), c_noise), labels, None)
    return torch.cat([block.affine(embedding) for block in blocks], 1)


def _side(layers: nn.ModuleDict, folded: Iterator[FoldedBlock]) -> nn.ModuleDict:
    """Encoder or decoder with its blocks replaced by the folded ones, in order, and copies of the rest."""
    return nn.ModuleDict(
        {
            name: next(folded) if isinstance(layer, Block) else copy.deepcopy(layer)
            for name, layer in layers.items()
        }
    )


def _transform_convolutions(layer: nn.Module) -> None:
    """Put a layer's 3×3 convolutions into Winograd's form if they are wide enough to gain by it."""
    for conv in layer.modules():
        if not isinstance(conv, Conv) or conv.kernel != 3 or conv.weight is None:
            continue
        if conv.weight[:, :, 0, 0].numel() >= _LEAST_WEIGHTS:
            conv.transform()


def _folded(conv: Conv, *, times: float = 1.0, plus: Shift | None = None) -> Conv:
    """A convolution that gives `times` what this one does, `plus` (channels,) added to it."""
    made = copy.deepcopy(conv)
    assert made.weight is not None
    assert made.bias is not None
    made.weight.mul_(times)
    made.bias.mul_(times)
    if plus is not None:
        made.bias.add_(plus)
    return made
