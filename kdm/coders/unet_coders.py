"""Coders of pictures: three SongUNets of one size (App. E.3).

    E_φ_0, E_φ_T: (n, C, H, H) → (n, latent_channels, H, H) → z (n, d)          D_ψ: z → (n, C, H, H)

d = latent_channels · H², 1,024 for CIFAR-10: with one latent channel instead of three colours the
latent space is a third of the picture's (App. E.3). At 64×64 a linear layer behind the encoders and one
before the decoder bring d down to 512 ("Linear Module", Table 7). A network's time is a constant: 0 for
the encoder of data and for the decoder, 1 for the encoder of noise (Algorithm 1, lines 2, 3, 8 and 9).
"""

from typing import ClassVar, Literal

from pydantic import Field

from kdm.coders.coders import Coders
from kdm.coders.unet_sizes import UNetSizes
from kdm.torch_types import Module
from storage.records import PairSchema


class UNetCoders(UNetSizes, Coders):
    """Two encoders and a decoder of one size; the defaults are those for CIFAR-10 (Table 7)."""

    joins_passes: ClassVar[bool] = True

    kind: Literal["song-unet"] = "song-unet"
    # Of z as a picture of the sample's size; 4 and 9 are the larger matrices of Table 6.
    latent_channels: int = Field(1, ge=1)
    # d after a linear layer, as published for 64×64 ("Linear Module", Table 7); null: no such layer.
    latent_dim: int | None = Field(None, ge=1, le=2**16)
    # Which parts see the pairs' labels, if there are any; the control is C_μ (Algorithm 1, line 6).
    labels: Literal["nowhere", "networks", "networks-and-control"] = "networks-and-control"
    # The encoder of noise sees x_T over its standard deviation; published: x_T itself, of scale 80.
    scales_noise: bool = True

    def num_latents(self, schema: PairSchema) -> int:
        """d: `latent_dim`, or else as many numbers as the latent picture has pixels."""
        return self.latent_dim or self.latent_channels * self.side(schema.shape) ** 2

    def encoder_0(self, schema: PairSchema) -> Module:
        """E_φ_0: x_0 (n, C, H, H) → z_0 (n, d), at time 0."""
        return self._encoder(schema, t=0.0)

    def encoder_T(self, schema: PairSchema) -> Module:
        """E_φ_T: x_T (n, C, H, H) → z_T (n, d), at time 1."""
        return self._encoder(schema, t=1.0)

    def decoder(self, schema: PairSchema) -> Module:
        """D_ψ: z_0 (n, d) → x_0 (n, C, H, H), at time 0."""
        unet = self.unet(
            schema.shape,
            in_channels=self.latent_channels,
            out_channels=schema.shape[0],
            num_classes=self.num_classes(schema),
        )
        from kdm.coders.unet_codes import UNetDecoder

        return UNetDecoder(unet, latent_dim=self.latent_dim)

    def noise_divisor(self, schema: PairSchema) -> float:
        """The noise's standard deviation, or 1 if the encoder sees x_T as it is."""
        return schema.noise.scale if self.scales_noise else 1.0

    def num_classes(self, schema: PairSchema) -> int:
        """As many classes as the pairs have; 0 if `labels` is 'nowhere'."""
        return 0 if schema.label is None or self.labels == "nowhere" else schema.label.num_classes

    def has_control(self, schema: PairSchema) -> bool:
        """Whether there is a C_μ: if `labels` includes it and the pairs have labels."""
        return schema.label is not None and self.labels == "networks-and-control"

    def _encoder(self, schema: PairSchema, *, t: float) -> Module:
        unet = self.unet(
            schema.shape,
            in_channels=schema.shape[0],
            out_channels=self.latent_channels,
            num_classes=self.num_classes(schema),
        )
        from kdm.coders.unet_codes import UNetEncoder

        return UNetEncoder(unet, t=t, latent_dim=self.latent_dim)
