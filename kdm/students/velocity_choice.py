"""Which network a student that learns a velocity v(x_t, t, y) has, chosen by `kind`."""

from typing import Annotated, Literal

from pydantic import Field

from kdm.coders.unet_choice import UNetChoice
from storage.options import Options
from storage.records import PairSchema


class VelocityMlp(Options):
    """The MLP of `regression`, with the time as one more input; it sees no label."""

    kind: Literal["mlp"] = "mlp"
    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_layers: int = Field(10, ge=1, le=1000)  # linear layers
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    input_gain: float = Field(2.0, gt=0)  # times the first layer

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Any shape will do: samples pass flat."""

    def num_classes(self, schema: PairSchema) -> int:
        """None: it sees no label."""
        return 0


VelocityChoice = Annotated[VelocityMlp | UNetChoice, Field(discriminator="kind")]
