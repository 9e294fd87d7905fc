"""Encoders and decoders that see the time, as modules (options: timed_coders.py).

A U-Net splits where its encoder ends: the halves meet in the maps of all the encoder's layers, which
the decoder takes back last first (Karras et al. 2022, App. C). Each half has an embedding of its own, because
the encoder sees the time that a sample is at and the decoder the time that it is to be at.
"""

from typing import NamedTuple

import torch
from torch import nn

from kdm.networks.edm_layers import Block, Conv
from kdm.networks.image_shapes import Images, OneHot, Skips, Times
from kdm.networks.mlp import MLP
from kdm.networks.song_unet import SongUNet
from kdm.shapes import Latents, Outputs, Samples

# What t = 1 is to a U-Net's sines and cosines, whose frequencies suit DDPM's 1,000 steps (Ho et al. 2020).
_LAST_STEP = 999.0


class TimeMLP(MLP):
    """An MLP of a flat sample and its time; it sees no label."""

    def forward(self, x: Samples, t: Times, labels: OneHot | None = None) -> Outputs:  # type: ignore[override]
        """x (n, ...) at times (n,) or (1,) to (n, num_outputs)."""
        flat = torch.cat([x.flatten(1), t[:, None].expand(x.shape[0], 1)], 1)
        outputs: Outputs = super().forward(flat)
        return outputs


class PictureEncoder(nn.Module):
    """A whole U-Net whose picture, flat, is the latent."""

    def __init__(self, unet: SongUNet) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, x: Images, t: Times, labels: OneHot | None = None) -> Latents:
        """x (n, c, h, w) at times (n,) or (1,) to z (n, d)."""
        z: Latents = self.unet(x, _LAST_STEP * t, labels).flatten(1)
        return z


class PictureDecoder(nn.Module):
    """A whole U-Net from the picture that the latent is."""

    def __init__(self, unet: SongUNet) -> None:
        super().__init__()
        self.unet = unet
        self._shape = unet.options.in_shape

    def forward(self, z: Latents, t: Times, labels: OneHot | None = None) -> Images:
        """z (n, d) at times (n,) or (1,) to a picture (n, c, h, w)."""
        x: Images = self.unet(z.reshape(z.shape[0], *self._shape), _LAST_STEP * t, labels)
        return x


class MapShape(NamedTuple):
    """Of one map that the encoder's half keeps."""

    channels: int
    side: int

    @property
    def num_half(self) -> int:
        """The values of half of its channels."""
        return self.channels // 2 * self.side**2


class DownHalf(nn.Module):
    """The encoder's half of a U-Net, which takes the network over: z holds the maps of all its layers.

    First come the first halves of all maps' channels, then the second halves: a channel and the one
    half the channels further on evolve as a pair, at each position.
    """

    def __init__(self, unet: SongUNet) -> None:
        super().__init__()
        del unet.dec
        self.unet = unet
        self.maps = _map_shapes(unet)

    @property
    def num_latents(self) -> int:
        """d."""
        return 2 * sum(each.num_half for each in self.maps)

    def forward(self, x: Images, t: Times, labels: OneHot | None = None) -> Latents:
        """x (n, c, h, w) at times (n,) or (1,) to z (n, d)."""
        _, skips = self.unet.down(x, self.unet.embedding(_LAST_STEP * t, labels, None))
        halves = [each.chunk(2, 1) for each in skips]
        return torch.cat([half[part].flatten(1) for part in (0, 1) for half in halves], 1)


class UpHalf(nn.Module):
    """The decoder's half of a U-Net, which takes the network over; `maps` are those of the other half."""

    def __init__(self, unet: SongUNet, maps: tuple[MapShape, ...]) -> None:
        super().__init__()
        del unet.enc
        self.unet = unet
        self._maps = maps

    def forward(self, z: Latents, t: Times, labels: OneHot | None = None) -> Images:
        """z (n, d) at times (n,) or (1,) to a picture (n, c, h, w)."""
        skips = self._skips(z)
        embedding = self.unet.embedding(_LAST_STEP * t, labels, None)
        x: Images = self.unet.up(skips[-1], skips, embedding)
        return x

    def _skips(self, z: Latents) -> Skips:
        sizes = [each.num_half for each in self._maps]
        halves = [torch.split(part, sizes, 1) for part in z.chunk(2, 1)]
        return [
            torch.cat([half.unflatten(1, (-1, each.side, each.side)) for half in both], 1)
            for each, *both in zip(self._maps, *halves, strict=True)
        ]


def _map_shapes(unet: SongUNet) -> tuple[MapShape, ...]:
    """Of each layer of the encoder, finest level first; names of layers begin with their map's side."""
    layers = ((name, layer) for name, layer in unet.enc.items() if isinstance(layer, Block | Conv))
    return tuple(MapShape(layer.num_out, int(name.split("x")[0])) for name, layer in layers)
