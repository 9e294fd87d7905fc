"""What a sampler is: a deterministic ODE solver that carries x_T at T down to x_0 at 0.

The state stays in x_T's type, float32 for pairs. On a trained checkerboard teacher (midpoint, 10
steps, 20,000 points) a float64 state around the float32 network changes x_0 by 2e-7 in the median
and 9e-6 at most, which is what the network's own rounding does (1e-7, 2e-5); half the step
changes it by 5e-3. Fields that start at a noise of 80 need another choice, and a sampler of theirs.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from kdm.shapes import Labels, Samples
from kdm.torch_types import Tensor
from pairgen.teachers.late import Teacher
from storage.errors import InvalidPairsError
from storage.plugins import Plugin


class Trajectory(NamedTuple):
    """Where the field carried x_T: to x_0 [n, *shape], by way of states [n, K, *shape]."""

    x_0: Samples
    states: Tensor  # from noise to data, ends excluded; K is 0 where none were asked for
    nfe: int  # network evaluations that each sample took, all counted


class Sampler(Plugin, ABC):
    """A deterministic solver; its options, name and version are all that it depends on."""

    caution: ClassVar[str | None] = None  # what its users should know before work begins

    @property
    @abstractmethod
    def nfe(self) -> int | None:
        """How often one sample asks the teacher for its velocity, exactly; None: the batch decides."""

    @abstractmethod
    def sample(
        self,
        teacher: Teacher,
        x_T: Samples,
        label: Labels | None = None,
        *,
        keep_states: int = 0,
    ) -> Trajectory:
        """x_0 from x_T, without gradients, and `keep_states` states between.

        x_0 is the same however many states are kept.
        """

    @abstractmethod
    def kept_steps(self, keep_states: int) -> tuple[int, ...]:
        """The steps, counted from 1, after which a state is kept; a ValueError for too many."""

    def begins_at(self, teacher: Teacher) -> float:
        """The time at which it takes x_T to lie."""
        return teacher.rounded(teacher.t_noise)


def velocity(teacher: Teacher, x: Samples, t: float, label: Labels | None) -> Samples:
    """dx/dt at one time for a whole batch; InvalidPairsError unless it is like x.

    A velocity of another shape might broadcast, and one sample would become another's.
    """
    import torch  # as late as can be: recipes name samplers

    found = teacher.velocity(x, torch.tensor(t, dtype=torch.float64, device=x.device), label)
    return alike(found, x, "the teacher's velocity")


def alike(found: object, x: Samples, what: str) -> Samples:
    """`found` itself; InvalidPairsError unless it is of x's shape and type."""
    if not isinstance(found, Tensor) or found.shape != x.shape or found.dtype != x.dtype:
        raise InvalidPairsError(
            f"{what} is {_kind_of(found)}, x is {_kind_of(x)}; they must be alike"
        )
    return found


def _kind_of(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__
