"""2-rectified flow: a velocity along the straight lines from stored noise to stored data.

    x_t = (1 − t) x_0 + t x_T,   v(x_t, t, y) ≈ dx_t/dt = x_T − x_0

A first flow (here: the teacher) pairs each noise with one data point. A second flow, learned on the
straight lines between these pairs, has nearly straight paths itself, so that one Euler step from
t = 1 to t = 0 is a sample (Liu et al. 2023, "Flow straight and fast", Sec. 2: Reflow). Times, distances
and weights are those of Lee et al. 2024, "Improving the training of rectified flows", Sec. 4. x_T is
divided by the schema's noise scale and x_0 by `data_scale`; all losses are in these units.
"""

from typing import Annotated

from pydantic import Field

from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import Distance
from kdm.losses.sample_huber import SampleHuber
from kdm.students.late_student import Student
from kdm.students.velocity_starter import VelocityStarter
from storage.plugins import Configured
from storage.records import PairSchema


class Reflow(VelocityStarter):
    """Network, training times, distances, and how many steps a sample takes."""

    plugin = "reflow"

    num_steps: int = Field(1, ge=1, le=1000)  # of Euler's method, each one network evaluation
    # p(t) ∝ exp(a (t − ½)) + exp(−a (t − ½)): most times are near the ends (Lee et al., Sec. 4.1).
    time_exponent: float = Field(4.0, ge=0, le=50)
    distance: Annotated[Distance, Configured(DISTANCES)] = SampleHuber()  # of velocities
    # Between x_t − t v and x_0, weighted 1 / t; in the paper LPIPS (Sec. 4.2). Null: none.
    perceptual: Annotated[Distance, Configured(DISTANCES)] | None = None

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that the network or one of the distances can't take."""
        super().require_shape(shape)
        self.distance.require_shape(shape, self.data_scale)
        if self.perceptual is not None:
            self.perceptual.require_shape(shape, self.data_scale)

    def build(self, schema: PairSchema) -> Student:
        """An untrained student; its initial weights come from torch's global generator."""
        from kdm.students.reflow_student import ReflowStudent  # torch: imported only to build
        from kdm.students.velocity_networks import build_velocity_network

        return ReflowStudent(
            self.from_teacher(schema) or build_velocity_network(self.network, schema),
            num_classes=self.num_classes(schema),
            num_steps=self.num_steps,
            time_exponent=self.time_exponent,
            distance=self.distance,
            perceptual=self.perceptual,
            data_scale=self.data_scale,
            noise_scale=schema.noise.scale,
        )
