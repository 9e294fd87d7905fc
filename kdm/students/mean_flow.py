"""MeanFlow on stored pairs: the average velocity of an interval, so that one step spans all of time.

    u(x_t, r, t, y) = 1 / (t − r) ∫_r^t v(x_s, s, y) ds,   x_r = x_t − (t − r) u(x_t, r, t, y)

Derived by t along the path, this is u = v − (t − r) du/dt, an identity that training enforces without ever
integrating (Geng et al. 2025, "Mean flows for one-step generative modeling", Sec. 4.1). Here the lines are
those between stored noise and stored data, as in Zhang et al. 2025, "Flow straighter and faster"
(Re-MeanFlow): they are nearly straight on average, so that u is close to v and easy to learn. Times and
weights are theirs. x_T is divided by the schema's noise scale and x_0 by `data_scale`; all losses are in
these units.
"""

from pydantic import Field

from kdm.students.interval_options import IntervalOptions
from kdm.students.late_student import Student
from kdm.students.velocity_starter import VelocityStarter
from storage.records import PairSchema


class MeanFlow(VelocityStarter):
    """Network, training times, weights of samples, and how many steps a sample takes."""

    plugin = "mean-flow"

    num_steps: int = Field(1, ge=1, le=1000)  # even ones, each one network evaluation
    intervals: IntervalOptions = IntervalOptions()  # times that training looks at
    # A sample of mean square error e² weighs 1 / (e² + c)^p, p and c being:
    weight_power: float = Field(0.5, ge=0, le=2)  # 0: all weigh 1
    weight_floor: float = Field(1e-2, gt=0)  # in squared units of x_0 / data_scale
    # What a time of 1 is to a U-Net's sines and cosines. With DDPM's 999 du/dt is mostly their slope.
    time_scale: float = Field(1.0, gt=0, le=1000)

    def build(self, schema: PairSchema) -> Student:
        """An untrained student; its initial weights come from torch's global generator."""
        from kdm.students.mean_flow_student import MeanFlowStudent  # torch: imported only to build
        from kdm.students.velocity_networks import build_average_velocity_network

        scale = self.time_scale
        started = self.from_teacher(schema, sees_interval=True, time_scale=scale)
        return MeanFlowStudent(
            started or build_average_velocity_network(self.network, schema, time_scale=scale),
            num_classes=self.num_classes(schema),
            num_steps=self.num_steps,
            intervals=self.intervals,
            weight_power=self.weight_power,
            weight_floor=self.weight_floor,
            data_scale=self.data_scale,
            noise_scale=schema.noise.scale,
        )
