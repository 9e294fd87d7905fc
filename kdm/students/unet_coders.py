"""Coders of pictures: three SongUNets in their DDPM++ form (App. E.3, kdm.md 1.2 and 1.3)."""

from typing import ClassVar, Literal

from pydantic import Field

from kdm.networks.late import SongUNet
from kdm.students.coders import Coders
from kdm.students.unet_choice import square_side
from kdm.torch_types import Module
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

    def encoder_0(self, schema: PairSchema) -> Module:
        """x_0 → z_0."""
        return self._encoder(schema, t=0.0)

    def encoder_T(self, schema: PairSchema) -> Module:
        """x_T → z_T."""
        return self._encoder(schema, t=1.0)

    def decoder(self, schema: PairSchema) -> Module:
        """z_0 → x_0."""
        unet = self._unet(schema, num_in=self.latent_channels, num_out=schema.shape[0])
        from kdm.students.unet_codes import UNetDecoder

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

    def _encoder(self, schema: PairSchema, *, t: float) -> Module:
        unet = self._unet(schema, num_in=schema.shape[0], num_out=self.latent_channels)
        from kdm.students.unet_codes import UNetEncoder

        return UNetEncoder(unet, t=t, latent_dim=self.latent_dim)

    def _unet(self, schema: PairSchema, *, num_in: int, num_out: int) -> SongUNet:
        from kdm.networks.song_unet import SongUNet as Built  # torch: only who builds waits for it
        from kdm.networks.song_unet import SongUNetOptions

        return Built(
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
