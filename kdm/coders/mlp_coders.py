"""Coders of points: MLPs, as the published checkerboard student has them (App. E.3, "Checkerboard").

    E_φ_0, E_φ_T: [x, t] → Linear, SiLU, …, Linear, SiLU → z (n, d)
    D_ψ:          [z, t] → Linear, SiLU, …, Linear → x

The constant time t (0 for data and decoder, 1 for noise) is an input beside the numbers. The paper calls
the decoder the inverse of the encoder; in the published code it is an ordinary MLP with its own weights.
"""

from typing import ClassVar, Literal

from pydantic import Field

from kdm.coders.coders import Coders
from kdm.torch_types import Module
from storage.records import PairSchema


class MlpCoders(Coders):
    """Two encoders and a decoder of one width; published: width and d of 256, 5 layers, gains of 1."""

    joins_passes: ClassVar[bool] = False

    kind: Literal["mlp"] = "mlp"
    latent_dim: int = Field(64, ge=1, le=2**16)  # d, numbers in z_0 and z_T
    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_encoder_layers: int = Field(
        5, ge=1, le=1000
    )  # linear layers; the last one ends in d numbers
    num_decoder_layers: int = Field(
        5, ge=1, le=1000
    )  # linear layers; the last one ends in a sample
    # Times PyTorch's initial weights, in all layers but the first (published: 1).
    gain: float = Field(1.5, gt=0)
    # Times the initial first layer of the encoder of noise: what it learns has finer detail
    # than what it starts from (published: 1).
    noise_gain: float = Field(2.0, gt=0)

    def num_latents(self, schema: PairSchema) -> int:
        """d, the same for points of any shape: they pass flat."""
        return self.latent_dim

    def encoder_0(self, schema: PairSchema) -> Module:
        """E_φ_0: [x_0, 0] (n, values + 1) → z_0 (n, d), with SiLU also behind the last layer."""
        return self._encoder(schema, t=0.0, input_gain=1.0)

    def encoder_T(self, schema: PairSchema) -> Module:
        """E_φ_T: [x_T, 1] (n, values + 1) → z_T (n, d), with SiLU also behind the last layer."""
        return self._encoder(schema, t=1.0, input_gain=self.noise_gain)

    def decoder(self, schema: PairSchema) -> Module:
        """D_ψ: [z, 0] (n, d + 1) → x (n, values), flat."""
        from kdm.coders.timed_mlp import TimedMLP  # torch: imported only to build

        return TimedMLP(
            self.latent_dim + 1,
            schema.num_values,
            width=self.width,
            num_layers=self.num_decoder_layers,
            gain=self.gain,
        )

    def _encoder(self, schema: PairSchema, *, t: float, input_gain: float) -> Module:
        from kdm.coders.timed_mlp import TimedMLP  # torch: imported only to build

        encoder = TimedMLP(
            schema.num_values + 1,
            self.latent_dim,
            width=self.width,
            num_layers=self.num_encoder_layers,
            ends_in_silu=True,
            input_gain=input_gain,
            gain=self.gain,
        )
        encoder.t = t
        return encoder
