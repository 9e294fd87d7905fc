"""SongUNets as encoder and decoder of pictures (App. E.3).

    encoder: z = W_e flat(U(x; t, y)) + b_e        decoder: x = U(picture(W_d z + b_d); 0, y)

Without a linear layer W ("Linear Module", Table 7) z is the U-Net's output, flat.
"""

import math

from torch import nn

from kdm.networks.image_shapes import Images, OneHot
from kdm.networks.song_unet import SongUNet
from kdm.shapes import Latents


class UNetEncoder(nn.Module):
    """E_φ: x (n, c, h, w) → z (n, d), with a linear layer to d = `latent_dim` numbers, or none.

    The time `t` is the constant 0 or 1; the U-Net embeds it as EDM's embeds the noise level.
    """

    def __init__(self, unet: SongUNet, *, t: float, latent_dim: int | None) -> None:
        super().__init__()
        self.unet = unet
        self.linear = None if latent_dim is None else _linear(_num_pixels(unet), latent_dim)
        self.t = t

    def forward(self, x: Images, labels: OneHot | None = None) -> Latents:
        """(n, c, h, w) and one-hot labels to (n, d); the time's embedding is one row for all."""
        z: Latents = self.unet(x, x.new_full((1,), self.t), labels).flatten(1)
        return z if self.linear is None else self.linear(z)


class UNetDecoder(nn.Module):
    """D_ψ: z (n, d) → x (n, c, h, w) at time 0, with a linear layer from `latent_dim`, or none."""

    t = 0.0

    def __init__(self, unet: SongUNet, *, latent_dim: int | None) -> None:
        super().__init__()
        self.unet = unet
        self.shape = unet.options.in_shape
        self.linear = None if latent_dim is None else _linear(latent_dim, math.prod(self.shape))

    def forward(self, z: Latents, labels: OneHot | None = None) -> Images:
        """(n, d) and one-hot labels to (n, c, h, w)."""
        picture = (z if self.linear is None else self.linear(z)).reshape(z.shape[0], *self.shape)
        x: Images = self.unet(picture, picture.new_full((1,), self.t), labels)
        return x


def _linear(num_in: int, num_out: int) -> nn.Linear:
    """A linear layer with uniform weights (Glorot and Bengio 2010) and biases of 0, as published."""
    linear = nn.Linear(num_in, num_out)
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def _num_pixels(unet: SongUNet) -> int:
    return unet.options.out_channels * unet.options.img_resolution**2
