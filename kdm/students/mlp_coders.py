"""Coders of points: the published checkerboard student's (kdm.md 1.12)."""

from typing import ClassVar, Literal

from pydantic import Field

from kdm.students.coders import Coders
from kdm.torch_types import Module
from storage.records import PairSchema


class MlpCoders(Coders):
    """Two encoders and a decoder of one width; each also sees the constant time t (kdm.md 1.12)."""

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
        """Of points of any shape."""
        return self.latent_dim

    def encoder_0(self, schema: PairSchema) -> Module:
        """[x, 0] → z, with SiLU also after the last layer."""
        return self._encoder(schema, t=0.0, input_gain=1.0)

    def encoder_T(self, schema: PairSchema) -> Module:
        """[x, 1] → z, with SiLU also after the last layer."""
        return self._encoder(schema, t=1.0, input_gain=self.noise_gain)

    def decoder(self, schema: PairSchema) -> Module:
        """[z, 0] → x, flat."""
        from kdm.students.timed_mlp import TimedMLP  # torch: only who builds waits for it

        return TimedMLP(
            self.latent_dim + 1,
            schema.num_values,
            width=self.width,
            num_layers=self.num_decoder_layers,
            gain=self.gain,
        )

    def _encoder(self, schema: PairSchema, *, t: float, input_gain: float) -> Module:
        from kdm.students.timed_mlp import TimedMLP  # torch: only who builds waits for it

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
