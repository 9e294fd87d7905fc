"""Students of velocities along straight lines, whose network may begin as their teacher's.

A denoiser gives the velocity v = (x_t − D_θ / s) / t (kdm/networks/denoiser_velocity.py), so that a single
Euler step from x_T is D_θ(x_T; σ_T, y) before training, and k steps follow the teacher's own flow.
"""

from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from kdm.students.teacher_start import TeacherStarter
from kdm.students.velocity_choice import VelocityChoice, VelocityMlp
from kdm.torch_types import Module
from storage.records import PairSchema


class VelocityStarter(TeacherStarter, ABC):
    """A network of velocities: an MLP for points, a U-Net that `network` describes, or the teacher's."""

    added_later: ClassVar[Mapping[str, Any]] = {"init": None}

    network: VelocityChoice = VelocityMlp()  # an MLP for points, a U-Net for pictures
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that the network can't take."""
        (self.init or self.network).require_shape(shape)

    def num_classes(self, schema: PairSchema) -> int:
        """How many classes the network distinguishes; 0 if it sees no label."""
        return (self.init or self.network).num_classes(schema)

    def from_teacher(
        self, schema: PairSchema, *, sees_interval: bool = False, time_scale: float = 1.0
    ) -> Module | None:
        """v around an untrained D_θ of the teacher's architecture; None without `init`.

        One that `sees_interval` has an input for it, whose weights a start from the teacher sets to 0.
        """
        if self.init is None:
            return None
        from kdm.networks.denoiser_velocity import DenoiserVelocity  # torch: only to build

        size = self.init.num_waves if sees_interval else 0
        return DenoiserVelocity(
            self.init.denoiser(schema, augment_dim=size),
            sigma_T=schema.noise.scale,
            data_scale=self.data_scale,
            time_scale=time_scale,
        )
