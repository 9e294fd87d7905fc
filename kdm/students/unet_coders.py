"""Coders of pictures: three SongUNets in their DDPM++ form (App. E.3, kdm.md 1.2 and 1.3)."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import nn

from kdm.networks.image_shapes import Images, OneHot
from kdm.networks.song_unet import SongUNet, SongUNetOptions
from kdm.shapes import Latents
from kdm.students.coders import Coders
from kdm.students.unet_choice import square_side
from storage.records import PairSchema


class UNetCoders(Coders):
    """Two encoders and a decoder of one size; the defaults are those for CIFAR-10 (Table 7)."""

    joins_passes: ClassVar[bool] = True

    kind: Literal["song-unet"] = "song-unet"
    model_channels: int = Field(64, ge=4)
    channel_mult: tuple[int, ...] = Field((1, 2, 2, 2), min_length=1)  # a level, finest first
    num_blocks: int = Field(4, ge=1)  # a level of the encoder; the decoder has one more
    attn_resolutions: tuple[int, ...] = (16,)  # pixels a side
    dropout: float = Field(0.10, ge=0, lt=1)
    # Of z as a picture of the sample's size; 4 and 9 are the larger matrices of Table 6.
    latent_channels: int = Field(1, ge=1)
    # d after a linear layer, as published for 64×64 ("Linear Module", Table 7); null: no such layer.
    latent_dim: int | None = Field(None, ge=1, le=2**16)
    # Who sees the pairs' labels, where they have some; the control is C_μ (kdm.md 1.5).
    labels: Literal["nowhere", "networks", "networks-and-control"] = "networks-and-control"
    # The encoder of noise sees x_T over its standard deviation; published: x_T itself, of scale 80.
    scales_noise: bool = True

    def num_latents(self, schema: PairSchema) -> int:
        """As many as the latent picture has pixels, or `latent_dim`."""
        return (
            self.latent_dim
            or self.latent_channels * square_side(schema.shape, self.channel_mult) ** 2
        )

    def encoder_0(self, schema: PairSchema) -> nn.Module:
        """x_0 → z_0."""
        return self._encoder(schema, t=0.0)

    def encoder_T(self, schema: PairSchema) -> nn.Module:
        """x_T → z_T."""
        return self._encoder(schema, t=1.0)

    def decoder(self, schema: PairSchema) -> nn.Module:
        """z_0 → x_0."""
        unet = self._unet(schema, num_in=self.latent_channels, num_out=schema.shape[0])
        return UNetDecoder(unet, latent_dim=self.latent_dim)

    def noise_divisor(self, schema: PairSchema) -> float:
        """Its standard deviation, or 1."""
        return schema.noise.scale if self.scales_noise else 1.0

    def num_classes(self, schema: PairSchema) -> int:
        """As many as the pairs have."""
        return 0 if schema.label is None or self.labels == "nowhere" else schema.label.num_classes

    def has_control(self, schema: PairSchema) -> bool:
        """Where asked for, of pairs that have labels."""
        return schema.label is not None and self.labels == "networks-and-control"

    def _encoder(self, schema: PairSchema, *, t: float) -> nn.Module:
        unet = self._unet(schema, num_in=schema.shape[0], num_out=self.latent_channels)
        return UNetEncoder(unet, t=t, latent_dim=self.latent_dim)

    def _unet(self, schema: PairSchema, *, num_in: int, num_out: int) -> SongUNet:
        return SongUNet(
            SongUNetOptions(
                img_resolution=square_side(schema.shape, self.channel_mult),
                in_channels=num_in,
                out_channels=num_out,
                label_dim=self.num_classes(schema),
                model_channels=self.model_channels,
                channel_mult=self.channel_mult,
                num_blocks=self.num_blocks,
                attn_resolutions=self.attn_resolutions,
                dropout=self.dropout,
            )
        )


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
