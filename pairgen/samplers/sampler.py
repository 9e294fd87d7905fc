"""What a sampler is: a deterministic solver that carries x_T at time T down to x_0 at time 0.

It solves the probability-flow ODE dx/dt = v(x, t, label) of a teacher (Song et al. 2021, Eq. 13; Karras et
al. 2022, Eq. 1) backwards in time, from t = T (noise) to t = 0 (data). No noise is added on the way, so
x_0 is a function of x_T and the label.

The state keeps x_T's number type, float32 for pairs. On a trained checkerboard teacher (midpoint, 10
steps, 20,000 points) a float64 state around the float32 network changes x_0 by 2e-7 in the median
and 9e-6 at most, about as much as the network's own rounding does (1e-7, 2e-5); half the step changes
it by 5e-3. A field whose noise has a standard deviation of 80 needs a float64 state (edm_heun.py).
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from kdm.shapes import Labels, Samples
from kdm.torch_types import Tensor
from pairgen.late_field import Teacher
from pairgen.samplers.alike import alike
from storage.plugins import Plugin


class Trajectory(NamedTuple):
    """Where the field carried x_T: to x_0, by way of K states."""

    x_0: Samples  # [n, *shape]
    states: Tensor  # [n, K, *shape], from noise to data without the ends; K is 0 by default
    nfe: int  # network evaluations that each sample took, all counted


class Sampler(Plugin, ABC):
    """A deterministic solver. Its options, name and version are all that its results depend on."""

    caution: ClassVar[str | None] = None  # what its users should know before work begins

    @property
    @abstractmethod
    def nfe(self) -> int | None:
        """How many velocities one sample takes, exactly; None if that depends on the batch."""

    @abstractmethod
    def sample(
        self,
        teacher: Teacher,
        x_T: Samples,
        label: Labels | None = None,
        *,
        keep_states: int = 0,
    ) -> Trajectory:
        """x_0 [n, *shape] from x_T [n, *shape] and labels [n], without gradients.

        `keep_states` is how many states between noise and data to return as well. x_0 doesn't depend
        on it. Raises InvalidPairsError if the teacher's velocity has another shape or type than x.
        """

    @abstractmethod
    def kept_steps(self, keep_states: int) -> tuple[int, ...]:
        """The steps, counted from 1, after which a state is kept; ValueError if there are too few."""

    def kept_times(self, teacher: Teacher, keep_states: int) -> tuple[float, ...]:
        """The teacher's time of each kept state, falling; a ValueError if the sampler doesn't say."""
        raise ValueError(
            f"sampler '{self.plugin}' doesn't say at which times its states are, so that a student can't "
            "read them; define its `kept_times`, or choose another sampler"
        )

    def begins_at(self, teacher: Teacher) -> float:
        """The time that the sampler assumes for x_T, in the teacher's time."""
        return teacher.rounded(teacher.t_noise)


def velocity(teacher: Teacher, x: Samples, t: float, label: Labels | None) -> Samples:
    """dx/dt [n, *shape] at x [n, *shape] and one time for the whole batch, in x's number type.

    The teacher is given t as a float64 scalar. InvalidPairsError if its answer doesn't match x.
    """
    import torch  # here, because recipes import samplers and must start without torch

    found = teacher.velocity(x, torch.tensor(t, dtype=torch.float64, device=x.device), label)
    return alike(found, x, "the teacher's velocity")
