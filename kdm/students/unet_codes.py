"""SongUNets as encoder and decoder of pictures (App. E.3)."""

from torch import nn

from kdm.networks.image_shapes import Images, OneHot
from kdm.networks.song_unet import SongUNet
from kdm.shapes import Latents


class UNetEncoder(nn.Module):
    """x → z, flat, through a linear layer to `latent_dim` numbers where there is one."""

    def __init__(self, unet: SongUNet, *, t: float, latent_dim: int | None) -> None:
        super().__init__()
        self.unet = unet
        self.linear = None if latent_dim is None else _linear(_num_pixels(unet), latent_dim)
        self.t = t

    def forward(self, x: Images, labels: OneHot | None = None) -> Latents:
        """[n, c, h, w] to [n, d]; the time is one row for all."""
        z: Latents = self.unet(x, x.new_full((1,), self.t), labels).flatten(1)
        return z if self.linear is None else self.linear(z)


class UNetDecoder(nn.Module):
    """z → x at time 0, from `latent_dim` numbers through a linear layer where there is one."""

    t = 0.0

    def __init__(self, unet: SongUNet, *, latent_dim: int | None) -> None:
        super().__init__()
        self.unet = unet
        side, channels = unet.options.img_resolution, unet.options.in_channels
        self.shape = channels, side, side
        self.linear = None if latent_dim is None else _linear(latent_dim, channels * side**2)

    def forward(self, z: Latents, labels: OneHot | None = None) -> Images:
        """[n, d] to [n, c, h, w]."""
        picture = (z if self.linear is None else self.linear(z)).reshape(len(z), *self.shape)
        x: Images = self.unet(picture, picture.new_full((1,), self.t), labels)
        return x


def _linear(num_in: int, num_out: int) -> nn.Linear:
    """Xavier's uniform weights and no bias to begin with (kdm.md 1.3)."""
    linear = nn.Linear(num_in, num_out)
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def _num_pixels(unet: SongUNet) -> int:
    return unet.options.out_channels * unet.options.img_resolution**2
