"""DhariwalUNet: ADM (Dhariwal & Nichol 2021, Table 1), as Karras et al. 2022 train it."""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from kdm.networks.edm_layers import (
    Block,
    BlockStyle,
    Conv,
    Norm,
    PositionalEmbedding,
    hide_labels,
)
from kdm.networks.image_shapes import Augmentations, Embeddings, Images, Maps, OneHot, Skips, Times
from storage.options import Options

HEAD_CHANNELS = 64  # a head; fewer channels than that get no attention at all, as released


class DhariwalUNetOptions(Options):
    """Names and defaults of the released network (Karras et al. 2022, Table 7 and App. C)."""

    img_resolution: int = Field(ge=1)  # pixels a side
    in_channels: int = Field(ge=1)
    out_channels: int = Field(ge=1)
    label_dim: int = Field(0, ge=0)  # classes; 0: none
    augment_dim: int = Field(0, ge=0)  # augmentation parameters; 0: none
    model_channels: int = Field(192, ge=4)
    channel_mult: tuple[int, ...] = Field((1, 2, 3, 4), min_length=1)  # a level, finest first
    channel_mult_emb: int = Field(4, ge=1)  # of the embedding
    num_blocks: int = Field(3, ge=1)  # a level of the encoder; the decoder has one more
    attn_resolutions: tuple[int, ...] = (32, 16, 8)  # pixels a side
    dropout: float = Field(0.10, ge=0, lt=1)
    label_dropout: float = Field(0.0, ge=0, lt=1)  # share of labels that training hides


class DhariwalUNet(nn.Module):
    """F_θ(x; c_noise, labels) with the state-dict names of the released checkpoint."""

    def __init__(self, options: DhariwalUNetOptions) -> None:
        super().__init__()
        self.options = options
        self._map(options)
        self.enc, self.dec = nn.ModuleDict(), nn.ModuleDict()
        skips = self._encode(options, _style(options))
        width = self._decode(options, _style(options), skips)
        self.out_norm = Norm(width, eps=1e-5)
        self.out_conv = Conv(width, options.out_channels, kernel=3)
        _initialise(self)

    def forward(
        self,
        x: Images,
        c_noise: Times,
        labels: OneHot | None = None,
        augmentations: Augmentations | None = None,
    ) -> Maps:
        """Images of `in_channels` to images of `out_channels`; labels are rows of one-hot numbers."""
        embedding = self._embedding(c_noise, labels, augmentations)
        skips: Skips = []
        for layer in self.enc.values():
            x = layer(x, embedding) if isinstance(layer, Block) else layer(x)
            skips.append(x)
        for name, layer in self.dec.items():
            x = layer(torch.cat([x, skips.pop()], 1) if "block" in name else x, embedding)
        return self.out_conv(F.silu(self.out_norm(x), inplace=True))  # type: ignore[no-any-return]

    def _map(self, o: DhariwalUNetOptions) -> None:
        noise, width = o.model_channels, o.model_channels * o.channel_mult_emb
        self.map_noise = PositionalEmbedding(noise, has_endpoint=False, sine_first=False)
        self.map_augment = nn.Linear(o.augment_dim, noise, bias=False) if o.augment_dim else None
        self.map_layer0 = nn.Linear(noise, width)
        self.map_layer1 = nn.Linear(width, width)
        self.map_label = nn.Linear(o.label_dim, width, bias=False) if o.label_dim else None

    def _encode(self, o: DhariwalUNetOptions, style: BlockStyle) -> list[int]:
        here = o.model_channels * o.channel_mult[0]
        skips: list[int] = []
        for level, multiple in enumerate(o.channel_mult):
            side = o.img_resolution >> level
            name, has_attention = f"{side}x{side}_", side in o.attn_resolutions
            if level == 0:
                self.enc[name + "conv"] = Conv(o.in_channels, here, kernel=3)
            else:
                self.enc[name + "down"] = Block(here, here, style=style, resample="down")
            skips.append(here)
            for number in range(o.num_blocks):
                before, here = here, o.model_channels * multiple
                self.enc[f"{name}block{number}"] = Block(
                    before, here, style=style, has_attention=has_attention
                )
                skips.append(here)
        return skips

    def _decode(self, o: DhariwalUNetOptions, style: BlockStyle, skips: list[int]) -> int:
        here, lowest = skips[-1], len(o.channel_mult) - 1
        for level, multiple in reversed(list(enumerate(o.channel_mult))):
            side = o.img_resolution >> level
            name, has_attention = f"{side}x{side}_", side in o.attn_resolutions
            if level == lowest:
                self.dec[name + "in0"] = Block(here, here, style=style, has_attention=True)
                self.dec[name + "in1"] = Block(here, here, style=style)
            else:
                self.dec[name + "up"] = Block(here, here, style=style, resample="up")
            for number in range(o.num_blocks + 1):
                before, here = here + skips.pop(), o.model_channels * multiple
                self.dec[f"{name}block{number}"] = Block(
                    before, here, style=style, has_attention=has_attention
                )
        return here

    def _embedding(
        self, c_noise: Times, labels: OneHot | None, augmentations: Augmentations | None
    ) -> Embeddings:
        e = self.map_noise(c_noise)
        if self.map_augment is not None and augmentations is not None:
            e = e + self.map_augment(augmentations)
        e = self.map_layer1(F.silu(self.map_layer0(e)))
        if self.map_label is not None and labels is not None:
            labels = hide_labels(labels, share=self.options.label_dropout * self.training)
            e = e + self.map_label(labels)
        return F.silu(e)


def _style(options: DhariwalUNetOptions) -> BlockStyle:
    return BlockStyle(
        embedding=options.model_channels * options.channel_mult_emb,
        eps=1e-5,
        dropout=options.dropout,
        is_adaptive=True,
        projects_resampled=False,
        head_channels=HEAD_CHANNELS,
    )


@torch.no_grad()
def _initialise(network: DhariwalUNet) -> None:
    """PyTorch's weights, none where a branch or the network ends (ibid., its released code)."""
    for name, parameter in network.named_parameters():
        if any(end in name for end in ("conv1.", "proj.", "out_conv.")):
            parameter.zero_()
