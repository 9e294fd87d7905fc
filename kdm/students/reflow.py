"""2-rectified flow: a velocity along the straight lines from stored noise to stored data.

x_t = (1 − t) x_0 + t x_T, so dx/dt = x_T − x_0 (Liu et al. 2023, "Flow straight and fast", Reflow),
with the training of Lee et al. 2024, "Improving the training of rectified flows". x_T is divided by
the schema's noise scale and x_0 by `data_scale`; all losses are in these units.
"""

from typing import Annotated

from pydantic import Field

from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import Distance
from kdm.losses.sample_huber import SampleHuber
from kdm.students.late import Student
from kdm.students.plugin import StudentPlugin
from kdm.students.velocity_choice import VelocityChoice, VelocityMlp
from storage.plugins import Configured
from storage.records import PairSchema


class Reflow(StudentPlugin):
    """Network, times, distances, and the steps of a sample."""

    plugin = "reflow"

    network: VelocityChoice = VelocityMlp()
    num_steps: int = Field(1, ge=1, le=1000)  # of Euler's method, each one network evaluation
    # p(t) ∝ exp(a (t − ½)) + exp(−a (t − ½)): most times are near the ends (Lee et al., Sec. 4.1).
    time_exponent: float = Field(4.0, ge=0, le=50)
    distance: Annotated[Distance, Configured(DISTANCES)] = SampleHuber()  # of velocities
    # Of x_t − t v from x_0, weighted 1 / t; LPIPS is what they took (Sec. 4.2). Null: none.
    perceptual: Annotated[Distance, Configured(DISTANCES)] | None = None
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError where its network or a distance cannot take such samples."""
        self.network.require_shape(shape)
        self.distance.require_shape(shape, self.data_scale)
        if self.perceptual is not None:
            self.perceptual.require_shape(shape, self.data_scale)

    def build(self, schema: PairSchema) -> Student:
        """A student for pairs of this schema, with weights from torch's global generator."""
        from kdm.students.reflow_student import ReflowStudent  # torch: only who builds waits for it

        return ReflowStudent(schema, self)
