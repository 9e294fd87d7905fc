"""The plainest student: one network from x_T to x_0, trained by the prediction loss (Eq. 7).

Luhman and Luhman 2021, "Knowledge distillation in iterative generative models".
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field, model_validator
from torch import nn

from kdm.batch import Batch
from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import L2, Distance
from kdm.networks.folded_unet import FoldedUNet
from kdm.networks.mlp import MLP
from kdm.networks.song_unet import SongUNet
from kdm.objective import Losses, Objective, Player, weighted
from kdm.shapes import Labels, Samples
from kdm.students.kept import Kept, stand_still
from kdm.students.labels import one_hot, require_known, required
from kdm.students.student import DTYPES, Student, StudentPlugin, sampling
from kdm.students.unet_choice import UNetChoice
from storage.plugins import Configured
from storage.records import PairSchema

_OF_THE_MLP = ("width", "num_layers", "gain", "noise_gain")


class Regression(StudentPlugin):
    """Which network it is, and its distance; an MLP of points where `network` is null."""

    plugin = "regression"
    added_later: ClassVar[Mapping[str, Any]] = {"network": None}

    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_layers: int = Field(
        10, ge=1, le=1000
    )  # linear layers: as deep as E_φ and D_ψ of `kdm` together
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    noise_gain: float = Field(2.0, gt=0)  # times the first layer
    distance: Annotated[Distance, Configured(DISTANCES)] = L2()
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units
    network: UNetChoice | None = None  # a U-Net for pictures in place of the MLP

    @model_validator(mode="after")
    def _check(self) -> "Regression":
        fields = type(self).model_fields
        chosen = [name for name in _OF_THE_MLP if getattr(self, name) != fields[name].default]
        if self.network is not None and chosen:
            raise ValueError(
                f"{' and '.join(chosen)} would be the MLP's, and network.kind is "
                f"'{self.network.kind}'; leave out one or the other"
            )
        return self

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError where its network or a distance cannot take such samples."""
        if self.network is not None:
            self.network.require_shape(shape)
        self.distance.require_shape(shape, self.data_scale)

    def build(self, schema: PairSchema) -> "RegressionStudent":
        """A student for pairs of this schema, with weights from torch's global generator."""
        return RegressionStudent(schema, self)

    def built_network(self, schema: PairSchema) -> "MLP | SongUNet":
        """An untrained network."""
        if self.network is not None:
            return self.network.build(schema)
        return MLP(
            schema.num_values,
            schema.num_values,
            width=self.width,
            num_layers=self.num_layers,
            input_gain=self.noise_gain,
            gain=self.gain,
        )


class RegressionStudent(Student):
    """x_0^ = N(x_T, y); the loss is in units of `data_scale`."""

    def __init__(self, schema: PairSchema, options: Regression) -> None:
        super().__init__()
        self.operator = None
        self.network = options.built_network(schema)
        self.num_classes = options.network.num_classes(schema) if options.network else 0
        self._kept = Kept[FoldedUNet]()
        self._options = options
        self._noise_scale = schema.noise.scale

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ in the pairs' units; no seed matters, and labels where the network sees them."""
        require_known(label, self.num_classes)
        with sampling(self, x_T.device):
            x_0 = self._folded(x_T, label) if self._can_fold else self._predict(x_T, label)
        return x_0.reshape(x_T.shape).to(x_T.dtype) * self._options.data_scale

    def objective(self) -> Objective:
        """One player with one term."""
        player = Player("student", self, self.measure)
        return Objective(self, (player,), networks=(self.network,))

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """All of it."""
        return (self.network,)

    def measure(self, batch: Batch) -> Losses:
        """d(x_0, N(x_T)) in scaled units (Eq. 7)."""
        x_0 = batch.x_0 / self._options.data_scale
        predicted = self._predict(batch.noise(), batch.label).reshape(x_0.shape)
        pred = self._options.distance.distance(predicted, x_0)
        return weighted({"pred": pred}, {})

    @property
    def _can_fold(self) -> bool:
        return isinstance(self.network, SongUNet) and stand_still(self.inference_modules())

    def _folded(self, x_T: Samples, label: Labels | None) -> Samples:
        assert isinstance(self.network, SongUNet)
        make = partial(FoldedUNet, self.network, 1.0, dtype=DTYPES[self.precision])
        unet = self._kept.of(self.inference_modules(), make, kind=self.precision)
        x_0: Samples = unet(x_T / self._noise_scale, required(label, self.num_classes))
        return x_0

    def _predict(self, x_T: Samples, label: Labels | None) -> Samples:
        """Flat from an MLP. A U-Net's time is 1, that of noise."""
        x = x_T / self._noise_scale
        if isinstance(self.network, SongUNet):
            labels = one_hot(label, self.num_classes, like=x)
            return self.network(x, x.new_ones(1), labels)  # type: ignore[no-any-return]
        return self.network(x.flatten(1))  # type: ignore[no-any-return]
