"""DhariwalUNet: ADM (Dhariwal & Nichol 2021, Table 1), as Karras et al. 2022 train it.

It differs from SongUNet in that the embedding scales as well as shifts (adaptive group normalisation),
heads of attention have 64 channels each, labels join behind the embedding's layers, and sums aren't
scaled by √½.
"""

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
from kdm.networks.edm_levels import LevelOptions, decoder_layers, encoder_layers
from kdm.networks.edm_unet import EdmUNet
from kdm.networks.image_shapes import Augmentations, Embeddings, Images, Maps, OneHot, Skips, Times
from kdm.networks.memory_format import settled

HEAD_CHANNELS = 64  # a head; fewer channels than that get no attention at all, as released


class DhariwalUNetOptions(LevelOptions):
    """Names and defaults of the released ImageNet-64 network (Karras et al. 2022, Table 7 and App. C)."""

    model_channels: int = Field(192, ge=4)
    channel_mult: tuple[int, ...] = Field((1, 2, 3, 4), min_length=1)
    num_blocks: int = Field(3, ge=1)
    attn_resolutions: tuple[int, ...] = (32, 16, 8)


class DhariwalUNet(EdmUNet):
    """F_θ(x; c_noise, labels) with the state-dict names of the released checkpoint.

    x has shape (n, in_channels, H, H), H = `img_resolution`; see `EdmUNet` for the rest.
    """

    def __init__(self, options: DhariwalUNetOptions) -> None:
        super().__init__()
        self.options = options
        self._map(options)
        width, style = options.model_channels * options.channel_mult[0], _style(options)
        encoder = dict(encoder_layers(options, style, first=width))
        skips = [layer.num_out for layer in encoder.values()]
        decoder = dict(decoder_layers(options, style, skips, attends_in_all=True))
        self.enc, self.dec = nn.ModuleDict(encoder), nn.ModuleDict(decoder)
        self.out_norm = Norm(width, eps=1e-5)
        self.out_conv = Conv(width, options.out_channels, kernel=3)
        _initialise(self)

    def _map(self, o: DhariwalUNetOptions) -> None:
        """The layers of the embedding, in the order of the released checkpoint."""
        noise, width = o.model_channels, o.embedding
        self.map_noise = PositionalEmbedding(noise, has_endpoint=False, sine_first=False)
        self.map_augment = nn.Linear(o.augment_dim, noise, bias=False) if o.augment_dim else None
        self.map_layer0 = nn.Linear(noise, width)
        self.map_layer1 = nn.Linear(width, width)
        self.map_label = nn.Linear(o.label_dim, width, bias=False) if o.label_dim else None

    def embedding(
        self, c_noise: Times, labels: OneHot | None, augmentations: Augmentations | None
    ) -> Embeddings:
        """e (rows, width): labels are added behind the two dense layers."""
        e = self.map_noise(c_noise)
        if self.map_augment is not None and augmentations is not None:
            e = e + self.map_augment(augmentations)
        e = self.map_layer1(F.silu(self.map_layer0(e)))
        if self.map_label is not None and labels is not None:
            labels = hide_labels(labels, share=self.options.label_dropout * self.training)
            e = e + self.map_label(labels)
        return F.silu(e)

    def down(self, x: Images, embedding: Embeddings) -> tuple[Maps, Skips]:
        """x through the encoder; every layer's map is kept for the decoder."""
        skips: Skips = []
        for layer in self.enc.values():
            x = settled(layer(x, embedding) if isinstance(layer, Block) else layer(x))
            skips.append(x)
        return x, skips

    def up(self, x: Images, skips: Skips, embedding: Embeddings) -> Maps:
        """x through the decoder, each block with the kept map of its size beside it, to the output."""
        for name, layer in self.dec.items():
            x = torch.cat([x, skips.pop()], 1) if "block" in name else x
            x = settled(layer(x, embedding))
        return self.out_conv(F.silu(self.out_norm(x), inplace=True))  # type: ignore[no-any-return]


def _style(options: DhariwalUNetOptions) -> BlockStyle:
    """What blocks share: an adaptive norm, ε of 1e-5, heads of 64 channels, resampled skips as they are."""
    return BlockStyle(
        embedding=options.embedding,
        eps=1e-5,
        dropout=options.dropout,
        is_adaptive=True,
        projects_resampled=False,
        head_channels=HEAD_CHANNELS,
    )


@torch.no_grad()
def _initialise(network: DhariwalUNet) -> None:
    """PyTorch's weights; 0 where branches and network end and for augmentations; N(0, 1) for labels.

    This is how the released code starts (Karras et al. 2022). Labels are one-hot: what a class adds to
    the embedding is one column of `map_label`.
    """
    for name, parameter in network.named_parameters():
        if any(end in name for end in ("conv1.", "proj.", "out_conv.", "map_augment.")):
            parameter.zero_()
    if network.map_label is not None:
        nn.init.normal_(network.map_label.weight)
