"""The plainest student: one network from x_T to x_0, trained by the prediction loss (Eq. 7)."""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from kdm.batch import Batch
from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import L2, Distance
from kdm.networks.mlp import MLP
from kdm.objective import Losses, Objective, Player, weighted
from kdm.shapes import Labels, Points, Samples
from kdm.students.student import Student, StudentPlugin
from storage.plugins import Configured
from storage.records import PairSchema


class Regression(StudentPlugin):
    """Width, depth and distance of the one network."""

    plugin = "regression"

    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_layers: int = Field(
        10, ge=1, le=1000
    )  # linear layers: as deep as E_φ and D_ψ of `kdm` together
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    noise_gain: float = Field(2.0, gt=0)  # times the first layer
    distance: Annotated[Distance, Configured(DISTANCES)] = L2()
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def build(self, schema: PairSchema) -> "RegressionStudent":
        """A student for pairs of this schema, with weights from torch's global generator."""
        return RegressionStudent(schema, self)


class RegressionStudent(Student):
    """x_0^ = N(x_T); the loss is in units of `data_scale`."""

    def __init__(self, schema: PairSchema, options: Regression) -> None:
        super().__init__()
        self.operator = None
        self.network = MLP(
            schema.num_values,
            schema.num_values,
            width=options.width,
            num_layers=options.num_layers,
            input_gain=options.noise_gain,
            gain=options.gain,
        )
        self._options = options
        self._shape = schema.shape
        self._noise_scale = schema.noise.scale

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ in the pairs' units; neither label nor seed matters."""
        return self._predict(x_T).reshape(len(x_T), *self._shape) * self._options.data_scale

    def objective(self) -> Objective:
        """One player with one term."""
        return Objective(self, (Player("student", self, self.measure),))

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """All of it."""
        return (self.network,)

    def measure(self, batch: Batch) -> Losses:
        """d(x_0, N(x_T)) in scaled units (Eq. 7)."""
        x_0 = batch.x_0.flatten(1) / self._options.data_scale
        pred = self._options.distance.distance(self._predict(batch.noise()), x_0)
        return weighted({"pred": pred}, {})

    def _predict(self, x_T: Samples) -> Points:
        x_0: Points = self.network(x_T.flatten(1) / self._noise_scale)
        return x_0
