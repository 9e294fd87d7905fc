"""Samplers whose steps are fixed: a sample depends on its own x_T alone.

An adaptive step comes from the norm over a whole batch, so that a sample would depend on its
neighbours.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import ClassVar

from kdm.no_grad import no_grad
from kdm.shapes import Labels, Samples
from pairgen.samplers.sampler import Sampler, Trajectory, alike
from pairgen.teachers.late import Teacher
from storage.errors import InvalidPairsError


class FixedSteps(Sampler, ABC):
    """A solver in `num_steps` steps, the same for every sample."""

    order: ClassVar[int]  # the error falls as num_steps to the minus `order`

    num_steps: int  # from T to 0

    @property
    @abstractmethod
    def nfe(self) -> int:
        """How often one sample asks the teacher for its velocity, exactly."""

    @abstractmethod
    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x after each of the `num_steps` steps, in x_T's type; the last one is x_0."""

    @no_grad
    def sample(
        self,
        teacher: Teacher,
        x_T: Samples,
        label: Labels | None = None,
        *,
        keep_states: int = 0,
    ) -> Trajectory:
        """x_0 from x_T with `nfe` velocities and no gradients, and `keep_states` states between.

        They are spaced evenly over the steps; x_0 is the same however many are kept.
        """
        import torch  # as late as can be: recipes name samplers

        kept = self.kept_steps(keep_states)
        x_at = {
            step: alike(x, x_T, f"what `steps` of sampler '{self.plugin}' passed")
            for step, x in self._passed(teacher, x_T, label)
            if step in kept or step == self.num_steps
        }
        none = x_T.new_empty(len(x_T), 0, *x_T.shape[1:])
        states = torch.stack([x_at[step] for step in kept], dim=1) if kept else none
        return Trajectory(x_at[self.num_steps], states, self.nfe * teacher.evaluations)

    def _passed(
        self, teacher: Teacher, x_T: Samples, label: Labels | None
    ) -> Iterator[tuple[int, Samples]]:
        """x by its step; InvalidPairsError unless there are `num_steps`."""
        step, found = 0, self.steps(teacher, x_T, label)
        if not isinstance(found, Iterable):
            raise self._fault(f"returned {type(found).__name__}")
        for step, x in enumerate(found, start=1):
            if step > self.num_steps:
                raise self._fault("goes on after them")
            yield step, x
        if step < self.num_steps:
            raise self._fault(f"ends after {step}")

    def _fault(self, what: str) -> InvalidPairsError:
        return InvalidPairsError(
            f"`steps` of sampler '{self.plugin}' must yield x after each of its {self.num_steps} "
            f"steps, but it {what}; fix the sampler"
        )

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
    """(t, t_next) of each step on the even grid from x_T's time to `t_data`."""
    begin = teacher.rounded(teacher.t_noise)
    span = teacher.t_data - begin
    grid = [begin + span * step / num_steps for step in range(num_steps + 1)]
    yield from pairwise(grid)
