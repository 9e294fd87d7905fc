"""The plainest student: one network N from x_T to x_0, trained by the prediction loss alone (Eq. 7).

    x_0^ = N(x_T, y),   L_pred = d(x_0, x_0^)

This is offline distillation without any structure between noise and data: Luhman and Luhman 2021,
"Knowledge distillation in iterative generative models for improved sampling speed". It is the baseline
that a Koopman student has to beat: what KDM adds are the latents, the operator and their losses.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from kdm.coders.unet_choice import UNetChoice
from kdm.losses.adversarial import Adversary
from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import L2, Distance
from kdm.networks.late_networks import MLP, Preconditioner, SongUNet
from kdm.students.late_student import Student
from kdm.students.teacher_start import TeacherStarter
from storage.plugins import Configured
from storage.records import PairSchema

_OF_THE_MLP = ("width", "num_layers", "gain", "noise_gain")


class Regression(TeacherStarter):
    """The network and its distance d.

    The network is an MLP for points, the U-Net that `network` describes, or the teacher's (`init`).
    """

    plugin = "regression"
    added_later: ClassVar[Mapping[str, Any]] = {"network": None, "adversary": None, "init": None}
    of_random_networks: ClassVar[tuple[str, ...]] = (*_OF_THE_MLP, "network")

    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_layers: int = Field(
        10, ge=1, le=1000
    )  # linear layers: as deep as E_φ and D_ψ of `kdm` together
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    noise_gain: float = Field(2.0, gt=0)  # times the first layer
    distance: Annotated[Distance, Configured(DISTANCES)] = L2()  # d, a plugin and its options
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units
    network: UNetChoice | None = None  # a U-Net for pictures instead of the MLP
    adversary: Adversary | None = None  # a critic of pictures beside d

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
        """Raise a ValueError for samples that network, distance or critic can't take."""
        for network in (self.network, self.init):
            if network is not None:
                network.require_shape(shape)
        self.distance.require_shape(shape, self.data_scale)
        if self.adversary is not None:
            self.adversary.require_shape(shape)

    def build(self, schema: PairSchema) -> Student:
        """An untrained student; its initial weights come from torch's global generator."""
        from kdm.students.regression_student import RegressionStudent  # torch: only to build

        pictures = self.init or self.network
        return RegressionStudent(
            self._built_network(schema),
            num_classes=pictures.num_classes(schema) if pictures else 0,
            distance=self.distance,
            data_scale=self.data_scale,
            noise_scale=schema.noise.scale,
        ).against(self.adversary, schema.shape)

    def _built_network(self, schema: PairSchema) -> MLP | SongUNet | Preconditioner:
        if self.init is not None:
            return self.init.denoiser(schema)
        if self.network is not None:
            return self.network.build(schema)
        from kdm.networks.mlp import MLP as Built

        return Built(
            schema.num_values,
            schema.num_values,
            width=self.width,
            num_layers=self.num_layers,
            input_gain=self.noise_gain,
            gain=self.gain,
        )
