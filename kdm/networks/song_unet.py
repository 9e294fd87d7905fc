"""SongUNet: DDPM++ and NCSN++ (Song et al. 2021, App. C and H), as Karras et al. 2022 train them.

DDPM++: positional embedding, standard encoder and decoder, filter (1, 1). NCSN++: Fourier
embedding, residual encoder, standard decoder, filter (1, 3, 3, 1), `channel_mult_noise` 2.

Encoder and decoder have the levels of edm_levels.py. A "residual" or "skip" encoder also carries the
picture itself down, resampled and added to the map of each level; a "skip" decoder makes a picture at each
level and sums them up, as StyleGAN2 does (Karras et al. 2020). KDM's coders are DDPM++ (App. E.3).
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from kdm.networks.edm_layers import (
    Block,
    BlockStyle,
    Conv,
    FourierEmbedding,
    Norm,
    PositionalEmbedding,
    hide_labels,
)
from kdm.networks.edm_levels import LevelOptions, decoder_layers, encoder_layers
from kdm.networks.edm_unet import EdmUNet
from kdm.networks.image_shapes import Augmentations, Embeddings, Images, Maps, OneHot, Skips, Times
from kdm.networks.memory_format import settled


class SongUNetOptions(LevelOptions):
    """Names and defaults of the released networks (Karras et al. 2022, Table 7 and App. C)."""

    model_channels: int = Field(128, ge=4)
    channel_mult: tuple[int, ...] = Field((1, 2, 2, 2), min_length=1)
    num_blocks: int = Field(4, ge=1)
    attn_resolutions: tuple[int, ...] = (16,)
    embedding_type: Literal["positional", "fourier"] = "positional"
    channel_mult_noise: int = Field(1, ge=1)  # of the noise embedding
    encoder_type: Literal["standard", "skip", "residual"] = "standard"
    decoder_type: Literal["standard", "skip"] = "standard"
    resample_filter: tuple[float, ...] = Field((1.0, 1.0), min_length=1)


class SongUNet(EdmUNet):
    """F_θ(x; c_noise, labels) with the state-dict names of the released checkpoints.

    x has shape (n, in_channels, H, H), H = `img_resolution`; see `EdmUNet` for the rest. The "skip" and
    "residual" variants carry a second, resampled picture along (`aux`).
    """

    def __init__(self, options: SongUNetOptions) -> None:
        super().__init__()
        self.options = options
        self._map(options)
        self.enc, self.dec = nn.ModuleDict(), nn.ModuleDict()
        self._encode(options, _style(options))
        self._decode(options, _style(options))
        _initialise(self)

    def _map(self, o: SongUNetOptions) -> None:
        """The layers of the embedding, in the order of the released checkpoints."""
        noise, width = o.model_channels * o.channel_mult_noise, o.embedding
        self.map_noise: nn.Module = (
            FourierEmbedding(noise)
            if o.embedding_type == "fourier"
            else PositionalEmbedding(noise, has_endpoint=True, sine_first=True)
        )
        self.map_label = nn.Linear(o.label_dim, noise) if o.label_dim else None
        self.map_augment = nn.Linear(o.augment_dim, noise, bias=False) if o.augment_dim else None
        self.map_layer0 = nn.Linear(noise, width)
        self.map_layer1 = nn.Linear(width, width)

    def _encode(self, o: SongUNetOptions, style: BlockStyle) -> None:
        """Make the encoder's layers; the resampled picture, if any, joins after each halving."""
        aux = o.in_channels
        for name, layer in encoder_layers(o, style, first=o.model_channels):
            self.enc[name] = layer
            if name.endswith("down"):
                aux = self._add_aux(name.removesuffix("down"), aux, layer.num_out)

    def _add_aux(self, name: str, aux: int, here: int) -> int:
        """Add the layers that carry the picture down one level ("residual", "skip"); its channels there."""
        taps = self.options.resample_filter
        if self.options.encoder_type == "residual":
            self.enc[name + "aux_residual"] = Conv(
                aux, here, kernel=3, resample="down", taps=taps, is_fused=True
            )
            return here
        if self.options.encoder_type == "skip":
            self.enc[name + "aux_down"] = Conv(aux, aux, kernel=0, resample="down", taps=taps)
            self.enc[name + "aux_skip"] = Conv(aux, here, kernel=1)
        return aux

    def _decode(self, o: SongUNetOptions, style: BlockStyle) -> None:
        """Make the decoder's layers, which take the encoder's maps in reverse order."""
        skips = [_width(layer) for name, layer in self.enc.items() if "aux" not in name]
        for name, layer in decoder_layers(o, style, skips, attends_in_all=False):
            self.dec[name] = layer
            if name.endswith(f"block{o.num_blocks}"):
                self._add_output(name.split("block")[0], layer.num_out, is_last=not skips)

    def _add_output(self, name: str, here: int, *, is_last: bool) -> None:
        """Add the layers that make a picture at this level: at the last one, or ("skip") at each of them."""
        o = self.options
        if any("aux_conv" in before for before in self.dec):
            self.dec[name + "aux_up"] = Conv(
                o.out_channels, o.out_channels, kernel=0, resample="up", taps=o.resample_filter
            )
        if o.decoder_type == "skip" or is_last:
            self.dec[name + "aux_norm"] = Norm(here, eps=1e-6)
            self.dec[name + "aux_conv"] = Conv(here, o.out_channels, kernel=3)

    def embedding(
        self, c_noise: Times, labels: OneHot | None, augmentations: Augmentations | None
    ) -> Embeddings:
        """e (rows, width): time and labels are added before the two dense layers."""
        e = self.map_noise(c_noise)
        if self.map_label is not None and labels is not None:
            labels = hide_labels(labels, share=self.options.label_dropout * self.training)
            e = e + self.map_label(labels * math.sqrt(self.options.label_dim))
        if self.map_augment is not None and augmentations is not None:
            e = e + self.map_augment(augmentations)
        return F.silu(self.map_layer1(F.silu(self.map_layer0(e))))

    def down(self, x: Images, embedding: Embeddings) -> tuple[Maps, Skips]:
        """x through the encoder; every layer's map is kept, with the resampled picture added if any."""
        skips: Skips = []
        x = aux = settled(x)
        for name, layer in self.enc.items():
            if "aux_down" in name:
                aux = layer(aux)
            elif "aux_skip" in name:
                x = skips[-1] = x + layer(aux)
            elif "aux_residual" in name:
                x = skips[-1] = aux = (x + layer(aux)) * math.sqrt(0.5)
            else:
                x = settled(layer(x, embedding) if isinstance(layer, Block) else layer(x))
                skips.append(x)
        return x, skips

    def up(self, x: Images, skips: Skips, embedding: Embeddings) -> Maps:
        """x through the decoder, each block with the kept map of its size beside it, to the output.

        "skip" sums the pictures of all levels, each brought up to the next one's size.
        """
        out: Maps | None = None
        normed = x
        for name, layer in self.dec.items():
            if "aux_up" in name:
                out = layer(out)
            elif "aux_norm" in name:
                normed = F.silu(layer(x), inplace=True)
            elif "aux_conv" in name:
                out = layer(normed) if out is None else layer(normed) + out
            else:
                x = torch.cat([x, skips.pop()], 1) if "block" in name else x
                x = settled(layer(x, embedding))
        assert out is not None
        return out


def _style(options: SongUNetOptions) -> BlockStyle:
    """What all blocks share: a shift alone, ε of 1e-6, one head, √½ after every sum."""
    return BlockStyle(
        embedding=options.embedding,
        eps=1e-6,
        dropout=options.dropout,
        taps=options.resample_filter,
        scale=math.sqrt(0.5),
    )


def _width(layer: nn.Module) -> int:
    assert isinstance(layer, Block | Conv)
    return layer.num_out


@torch.no_grad()
def _initialise(network: SongUNet) -> None:
    """Uniform weights (Glorot and Bengio 2010), times 1e-5 where a branch or the network ends (ibid.).

    So a block starts by passing on its skip, and little else.
    """
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        elif parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter)
            if any(end in name for end in ("conv1.", "proj.", "aux_conv.")):
                parameter.mul_(1e-5)
            elif "qkv." in name:
                parameter.mul_(math.sqrt(0.2))
