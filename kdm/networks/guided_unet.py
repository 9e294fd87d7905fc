"""Guided-diffusion's U-Net (Dhariwal & Nichol 2021) as the velocity v_θ(x, t, y) of flow matching.

    dx_t/dt = v_θ(x_t, t, y)   (Lipman et al. 2023)

Going down, a level has `num_res_blocks` residual blocks, with attention if its reduction is among
`attention_resolutions`; then the map is halved. Every map is kept. The middle is a block, attention and a
block. Going up, a level has one block more, each of which takes one kept map beside its input; then the map
is doubled. Every block sees an embedding: sines and cosines of t through two dense layers, plus a row of a
table for the label.

Two published variants use it: torchcfm's CIFAR-10 networks (Tong et al. 2023: attention in the legacy
order, the embedding added, resampling learned) and those of flow_matching's image example (the new order,
FiLM, a label for 'none').
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from kdm.networks.attention import Layout
from kdm.networks.guided_layers import (
    AttentionBlock,
    Conv3,
    Downsample,
    ResBlock,
    Stage,
    Upsample,
    norm,
)
from kdm.networks.image_shapes import (
    ClassLabels,
    Embeddings,
    Encodings,
    Frequencies,
    Images,
    Maps,
    Skips,
    Times,
    TimesOrTime,
)
from kdm.networks.memory_format import settled
from storage.options import Options

# torchcfm's multipliers if a configuration doesn't name any, by image side.
TORCHCFM_MULTIPLIERS = {28: (1, 2, 2), 32: (1, 2, 2, 2), 64: (1, 2, 3, 4), 128: (1, 1, 2, 3, 4)}


class GuidedUNetOptions(Options):
    """Options by the names of flow_matching's image example and its published configurations.

    Levels are listed from the finest on. `attention_resolutions` are factors of reduction here (2: half the
    side), and pixels in torchcfm's. Options that a network here never has are fixed to their one value, so
    that a checkpoint that needs another is refused.
    """

    in_channels: int = Field(ge=1)
    model_channels: int = Field(ge=1)
    out_channels: int = Field(ge=1)
    num_res_blocks: int = Field(ge=1)  # a level going down; one more going up
    attention_resolutions: tuple[int, ...]  # by how much the image is reduced there: 2 is half
    dropout: float = Field(0.0, ge=0, lt=1)
    channel_mult: tuple[int, ...] = Field((1, 2, 4, 8), min_length=1)  # a level, finest first
    conv_resample: bool = True  # learned resampling layers
    dims: Literal[2] = 2
    num_classes: int | None = Field(None, ge=1)
    has_null_label: bool = True  # one more row of labels, for "none": index num_classes
    use_checkpoint: bool = False  # trades time for memory when training; no number depends on it
    num_heads: int = Field(1, ge=1)  # unless num_head_channels says otherwise
    num_head_channels: int = -1  # -1: as num_heads says
    num_heads_upsample: int = -1  # going up; -1: num_heads
    use_scale_shift_norm: bool = False  # FiLM
    resblock_updown: bool = False  # residual blocks resample
    use_new_attention_order: bool = False
    with_fourier_features: Literal[False] = False

    @classmethod
    def from_torchcfm(cls, given: Mapping[str, Any]) -> "GuidedUNetOptions":
        """Options from the keywords of torchcfm's `UNetModelWrapper`, which counts sides in pixels."""
        rest = dict(given)
        channels, side = rest.pop("dim")[:2]
        pixels = str(rest.pop("attention_resolutions", "16")).split(",")
        num_classes = rest.pop("num_classes", 1000)
        return cls(
            in_channels=channels,
            out_channels=channels * (2 if rest.pop("learn_sigma", False) else 1),
            model_channels=rest.pop("num_channels"),
            attention_resolutions=tuple(side // int(pixel) for pixel in pixels),
            channel_mult=rest.pop("channel_mult", None) or TORCHCFM_MULTIPLIERS[side],
            num_classes=num_classes if rest.pop("class_cond", False) else None,
            has_null_label=False,
            **{key: value for key, value in rest.items() if key != "use_fp16"},
        )


class GuidedUNet(nn.Module):
    """v_θ(x, t, label) with the state-dict names of the published checkpoints.

    Sines and cosines of t have the frequencies of DDPM's 1,000 steps, although t runs from 0 to 1: so it
    was trained.
    """

    def __init__(self, options: GuidedUNetOptions) -> None:
        super().__init__()
        self.options, o = options, options
        width = 4 * o.model_channels
        self.time_embed = nn.Sequential(
            nn.Linear(o.model_channels, width), nn.SiLU(), nn.Linear(width, width)
        )
        if o.num_classes is not None:
            self.label_emb = nn.Embedding(o.num_classes + int(o.has_null_label), width)
        widths = self._build_input()
        self.middle_block = Stage(
            [
                self._residual(widths[-1], widths[-1]),
                self._attention(widths[-1], o.num_heads),
                self._residual(widths[-1], widths[-1]),
            ]
        )
        here = self._build_output(widths)
        last = Conv3(here, o.out_channels)
        self.out = nn.Sequential(norm(here), nn.SiLU(inplace=True), last)
        nn.init.zeros_(last.weight)
        self.register_buffer("_freqs", _frequencies(o.model_channels), persistent=False)

    def forward(self, x: Images, t: TimesOrTime, label: ClassLabels | None = None) -> Maps:
        """Velocities v_θ (n, out_channels, h, w) of images (n, in_channels, h, w).

        t is a scalar, (1,) or (n,); labels (n,) are class numbers, None the label for 'none'. Raises a
        ValueError if the network has classes but neither that label nor a given one.
        """
        embedding = F.silu(self._embedding(t.reshape(-1), self._labels(x, label)))
        skips: Skips = []
        for stage in self.input_blocks:
            x = settled(stage(x, embedding))
            skips.append(x)
        x = self.middle_block(x, embedding)
        for stage in self.output_blocks:
            x = settled(stage(torch.cat([x, skips.pop()], 1), embedding))
        return self.out(x)  # type: ignore[no-any-return]

    def _build_input(self) -> list[int]:
        """Make the stages going down; the channels of the maps that each of them leaves."""
        o = self.options
        here = o.model_channels * o.channel_mult[0]
        self.input_blocks = nn.ModuleList([Stage([Conv3(o.in_channels, here)])])
        widths = [here]
        for level, multiple in enumerate(o.channel_mult):
            for _ in range(o.num_res_blocks):
                before, here = here, o.model_channels * multiple
                self.input_blocks.append(Stage(self._layers(before, here, level, o.num_heads)))
                widths.append(here)
            if level < len(o.channel_mult) - 1:
                self.input_blocks.append(Stage([self._downsample(here)]))
                widths.append(here)
        return widths

    def _build_output(self, widths: list[int]) -> int:
        """Make the stages going up, each with one kept map beside its input; the channels at the end."""
        o, here = self.options, widths[-1]
        heads = o.num_heads if o.num_heads_upsample == -1 else o.num_heads_upsample
        self.output_blocks = nn.ModuleList()
        for level, multiple in reversed(list(enumerate(o.channel_mult))):
            for number in range(o.num_res_blocks + 1):
                before, here = here + widths.pop(), o.model_channels * multiple
                layers = self._layers(before, here, level, heads)
                if level and number == o.num_res_blocks:
                    layers.append(self._upsample(here))
                self.output_blocks.append(Stage(layers))
        return here

    def _layers(self, before: int, here: int, level: int, num_heads: int) -> list[nn.Module]:
        """A residual block, with attention if `attention_resolutions` has the level's reduction."""
        has_attention = 2**level in self.options.attention_resolutions
        attention = [self._attention(here, num_heads)] if has_attention else []
        return [self._residual(before, here), *attention]

    def _residual(
        self, before: int, here: int, resample: Literal["keep", "up", "down"] = "keep"
    ) -> ResBlock:
        """A residual block from `before` to `here` channels, with the options' dropout and FiLM."""
        o = self.options
        return ResBlock(
            before,
            here,
            embedding=4 * o.model_channels,
            dropout=o.dropout,
            is_film=o.use_scale_shift_norm,
            resample=resample,
        )

    def _attention(self, here: int, num_heads: int) -> AttentionBlock:
        """Attention with the number of heads, and the order of channels, that the options ask for."""
        o = self.options
        heads = num_heads if o.num_head_channels == -1 else here // o.num_head_channels
        is_new = o.use_new_attention_order
        layout = Layout.PART_HEAD_CHANNEL if is_new else Layout.HEAD_PART_CHANNEL
        return AttentionBlock(here, num_heads=heads, layout=layout)

    def _downsample(self, here: int) -> nn.Module:
        """A layer that halves the sides: a residual block, a convolution, or the mean of four pixels."""
        if self.options.resblock_updown:
            return self._residual(here, here, "down")
        return Downsample(here, is_learned=self.options.conv_resample)

    def _upsample(self, here: int) -> nn.Module:
        """A layer that doubles the sides."""
        if self.options.resblock_updown:
            return self._residual(here, here, "up")
        return Upsample(here, is_learned=self.options.conv_resample)

    def _labels(self, x: Images, label: ClassLabels | None) -> ClassLabels | None:
        """The labels (n,); for None the label for 'none', or a ValueError without that label."""
        num_classes = self.options.num_classes
        if num_classes is None or label is not None:
            return label
        if not self.options.has_null_label:
            raise ValueError(
                f"this network has {num_classes} classes but no label for 'none': "
                f"give every image a label from 0 to {num_classes - 1}"
            )
        return torch.full((x.shape[0],), num_classes, dtype=torch.int64, device=x.device)

    def _embedding(self, t: Times, label: ClassLabels | None) -> Embeddings:
        """e (n or 1, width) of times t, plus a row for the label."""
        embedding = self.time_embed(_waves(t, self.get_buffer("_freqs")))
        if label is None or self.options.num_classes is None:
            return embedding  # type: ignore[no-any-return]
        return embedding + self.label_emb(label)  # type: ignore[no-any-return]


def _frequencies(size: int) -> Frequencies:
    steps = torch.arange(size // 2, dtype=torch.float32, device="cpu")
    return torch.exp(-math.log(10_000) * steps / (size // 2))


def _waves(t: Times, freqs: Frequencies) -> Encodings:
    angles = t.to(freqs.dtype)[:, None] * freqs
    return torch.cat([angles.cos(), angles.sin()], 1)
