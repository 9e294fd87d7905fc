"""Coders that see the time: an encoder of any point of a trajectory, and a decoder to any of its times.

    E: (x_t, t, y) → z(t)        D: (z(s), s, y) → a sample

z has d numbers, t and s are 0 … 1 from data to noise. In a U-Net z is every map that the encoder's half
keeps for the decoder's half, so that what evolves is there at every level (HKD, arXiv 2510.12220), or
one picture between two whole U-Nets, as KDM has it (App. E.3).
"""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from kdm.coders.unet_sizes import UNetSizes
from kdm.torch_types import Module
from storage.options import Options
from storage.records import PairSchema


class TimedPair(NamedTuple):
    """Untrained E and D, called with (x (n, ...) or z (n, d), times (n,) or (1,), one-hot labels or None)."""

    encoder: Module
    decoder: Module
    num_latents: int  # d
    stepper: Module | None = (
        None  # as the encoder; for samples of several evaluations (timed_steps.py)
    )


class TimedMlps(Options):
    """Two MLPs with the time as one more input; they see no label."""

    kind: Literal["mlp"] = "mlp"
    latent_dim: int = Field(64, ge=2, le=2**16, multiple_of=2)  # d
    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_layers: int = Field(5, ge=1, le=1000)  # linear layers of each
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    input_gain: float = Field(2.0, gt=0)  # times the encoder's first layer

    def num_classes(self, schema: PairSchema) -> int:
        """None: they see no label."""
        return 0

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Any shape will do: samples pass flat."""

    def built(self, schema: PairSchema) -> TimedPair:
        """Untrained MLPs, the encoder's weights first, from torch's global generator."""
        from kdm.coders.timed_networks import TimeMLP  # torch: imported only to build

        sizes: dict[str, Any] = {
            "width": self.width,
            "num_layers": self.num_layers,
            "gain": self.gain,
        }
        return TimedPair(
            TimeMLP(schema.num_values + 1, self.latent_dim, input_gain=self.input_gain, **sizes),
            TimeMLP(self.latent_dim + 1, schema.num_values, **sizes),
            self.latent_dim,
        )


class TimedUNets(UNetSizes):
    """A U-Net in two halves (`every-level`), or two U-Nets with a picture between (`one-picture`)."""

    # What encoder and decoder pass on.
    latents: Literal["every-level", "one-picture"] = "every-level"
    latent_channels: int | None = Field(None, ge=1)  # of the one picture; null: 1
    sees_labels: bool = True  # if the pairs have any

    def num_classes(self, schema: PairSchema) -> int:
        """How many classes the networks distinguish; 0 if they see no label."""
        return 0 if schema.label is None or not self.sees_labels else schema.label.num_classes

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that aren't square pictures, or too small for the levels."""
        self.side(shape)

    def built(self, schema: PairSchema) -> TimedPair:
        """Untrained networks, the encoder's weights first; a ValueError as `side` raises it."""
        return self._halves(schema) if self.latents == "every-level" else self._whole(schema)

    def _halves(self, schema: PairSchema) -> TimedPair:
        from kdm.coders.timed_networks import DownHalf, UpHalf  # torch: imported only to build

        channels, num_classes = schema.shape[0], self.num_classes(schema)
        unets = (
            self.unet(
                schema.shape,
                in_channels=channels,
                out_channels=channels,
                num_classes=num_classes,
            )
            for _ in range(2)
        )
        down = DownHalf(next(unets))
        return TimedPair(down, UpHalf(next(unets), down.maps), down.num_latents)

    def _whole(self, schema: PairSchema) -> TimedPair:
        from kdm.coders.timed_networks import PictureDecoder, PictureEncoder

        channels, num_classes = schema.shape[0], self.num_classes(schema)
        between = self.latent_channels or 1
        encoder = self.unet(
            schema.shape, in_channels=channels, out_channels=between, num_classes=num_classes
        )
        decoder = self.unet(
            schema.shape, in_channels=between, out_channels=channels, num_classes=num_classes
        )
        return TimedPair(
            PictureEncoder(encoder),
            PictureDecoder(decoder),
            between * self.side(schema.shape) ** 2,
        )


TimedCoders = Annotated[TimedMlps | TimedUNets, Field(discriminator="kind")]
