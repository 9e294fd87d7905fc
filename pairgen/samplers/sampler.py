"""What a sampler is: a fixed-step ODE solver that carries x_T at T down to x_0 at 0.

Steps are fixed because an adaptive step comes from the norm over a whole batch, so that a sample
would depend on its neighbours; here it depends on its own x_T alone.

The state stays in x_T's type, float32 for pairs. On a trained checkerboard teacher (midpoint, 10
steps, 20,000 points) a float64 state around the float32 network changes x_0 by 2e-7 in the median
and 9e-6 at most, which is what the network's own rounding does (1e-7, 2e-5); half the step
changes it by 5e-3. Fields that start at a noise of 80 need another choice, and a sampler of theirs.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from kdm.shapes import Labels, Samples
from pairgen.teachers.teacher import Teacher
from storage.errors import InvalidPairsError
from storage.plugins import Plugin


class Trajectory(NamedTuple):
    """Where the field carried x_T: to x_0 [n, *shape], by way of states [n, K, *shape]."""

    x_0: Samples
    states: Tensor  # from noise to data, ends excluded; K is 0 where none were asked for


class Sampler(Plugin, ABC):
    """A deterministic solver; its options, name and version are all that it depends on."""

    order: ClassVar[int]  # the error falls as num_steps to the minus `order`

    num_steps: int  # from T to 0

    @property
    @abstractmethod
    def nfe(self) -> int:
        """How often one sample asks the teacher for its velocity, exactly."""

    @abstractmethod
    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x after each of the `num_steps` steps, in x_T's type; the last one is x_0."""

    @torch.no_grad()
    def sample(
        self,
        teacher: Teacher,
        x_T: Samples,
        label: Labels | None = None,
        *,
        keep_states: int = 0,
    ) -> Trajectory:
        """x_0 from x_T with `nfe` evaluations and no gradients, and `keep_states` states between.

        They are spaced evenly over the steps; x_0 is the same however many are kept.
        """
        kept = self.kept_steps(keep_states)
        passed = enumerate(self.steps(teacher, x_T, label), start=1)
        x_at = {
            step: _like(x, x_T, "a sampler's state")
            for step, x in passed
            if step in kept or step == self.num_steps
        }
        none = x_T.new_empty(len(x_T), 0, *x_T.shape[1:])
        states = torch.stack([x_at[step] for step in kept], dim=1) if kept else none
        return Trajectory(x_at[self.num_steps], states)

    def kept_steps(self, keep_states: int) -> tuple[int, ...]:
        """The steps, counted from 1, after which a state is kept; a ValueError for too many."""
        if not 0 <= keep_states < self.num_steps:
            raise ValueError(
                f"{keep_states} states between noise and data are asked for, but '{self.plugin}' in "
                f"{self.num_steps} steps passes {self.num_steps - 1}; keep at most that many, or "
                "take more steps"
            )
        return tuple(
            number * self.num_steps // (keep_states + 1) for number in range(1, keep_states + 1)
        )


def even_steps(teacher: Teacher, num_steps: int) -> Iterator[tuple[float, float]]:
    """(t, t_next) of each step on the even grid from `t_noise` to `t_data`."""
    span = teacher.t_data - teacher.t_noise
    grid = [teacher.t_noise + span * step / num_steps for step in range(num_steps + 1)]
    yield from pairwise(grid)


def velocity(teacher: Teacher, x: Samples, t: float, label: Labels | None) -> Samples:
    """dx/dt at one time for a whole batch; InvalidPairsError unless it is like x.

    A velocity of another shape might broadcast, and one sample would become another's.
    """
    found = teacher.velocity(x, torch.tensor(t, dtype=torch.float64, device=x.device), label)
    return _like(found, x, "the teacher's velocity")


def _like(found: object, x: Samples, what: str) -> Samples:
    if not isinstance(found, Tensor) or found.shape != x.shape or found.dtype != x.dtype:
        raise InvalidPairsError(
            f"{what} is {_kind_of(found)}, x is {_kind_of(x)}; they must be alike"
        )
    return found


def _kind_of(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__
