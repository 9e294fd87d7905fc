"""Samplers whose steps are fixed in advance, so that a sample depends on its own x_T alone.

An adaptive step is chosen by the error over a whole batch, and a sample then depends on its neighbours.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import ClassVar, Literal

from kdm.no_grad import no_grad
from kdm.shapes import Labels, Samples
from kdm.solvers.tableau import Passed
from pairgen.late_field import Teacher
from pairgen.samplers.alike import alike
from pairgen.samplers.grids import even_times
from pairgen.samplers.kept_states import evenly_spaced, kept_of
from pairgen.samplers.sampler import Sampler, Trajectory
from storage.errors import InvalidPairsError


class FixedSteps(Sampler, ABC):
    """A solver in `num_steps` steps, the same for every sample.

    A subclass says how many velocities that takes and yields the states; which of them are kept is
    decided here. A Runge-Kutta rule on a grid needs less: see `RuleOnGrid`.
    """

    order: ClassVar[int]  # p: the error of x_0 falls as num_steps^-p
    # Whose teachers its grid is for: time from 0 to 1, or noise levels. None: any.
    meant_for: ClassVar[Literal["flow matching", "noise levels"] | None] = None

    num_steps: int  # from T to 0

    @property
    @abstractmethod
    def nfe(self) -> int:
        """How many velocities one sample takes, exactly."""

    @abstractmethod
    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x [n, *shape] after each of the `num_steps` steps, in x_T's number type; the last is x_0."""

    def steps_with_errors(
        self, teacher: Teacher, x_T: Samples, label: Labels | None
    ) -> Iterator[Passed] | None:
        """The states of `steps`, each with an estimate of that step's error; None if there is none.

        The estimate is the difference from a rule of lower order over the same velocities, so it takes
        none of its own, and it is larger than the error unless steps are too long for the order to show.
        """
        return None

    @no_grad
    def sample(
        self,
        teacher: Teacher,
        x_T: Samples,
        label: Labels | None = None,
        *,
        keep_states: int = 0,
    ) -> Trajectory:
        """x_0 [n, *shape] from x_T [n, *shape], and `keep_states` states evenly spaced between.

        Takes `nfe` velocities and keeps no gradients; x_0 is the same however many states are kept.
        Raises ValueError for more states than the solver passes, InvalidPairsError if `steps` or the
        teacher yields something that isn't like x_T.
        """
        passed = self._passed(teacher, x_T, label)
        kept = self.kept_steps(keep_states)
        x_0, states = kept_of(passed, kept, num_steps=self.num_steps)
        return Trajectory(x_0, states, self.nfe * teacher.evaluations)

    def _passed(
        self, teacher: Teacher, x_T: Samples, label: Labels | None
    ) -> Iterator[tuple[int, Samples]]:
        """Each step's number and x after it; InvalidPairsError unless there are `num_steps`."""
        step, found = 0, self.steps(teacher, x_T, label)
        if not isinstance(found, Iterable):
            raise self._fault(f"returned {type(found).__name__}")
        for step, x in enumerate(found, start=1):
            if step > self.num_steps:
                raise self._fault("goes on after them")
            yield step, alike(x, x_T, f"what `steps` of sampler '{self.plugin}' passed")
        if step < self.num_steps:
            raise self._fault(f"ends after {step}")

    def _fault(self, what: str) -> InvalidPairsError:
        return InvalidPairsError(
            f"`steps` of sampler '{self.plugin}' must yield x after each of its {self.num_steps} "
            f"steps, but it {what}; fix the sampler"
        )

    def kept_steps(self, keep_states: int) -> tuple[int, ...]:
        """The steps, counted from 1, after which a state is kept; a ValueError for too many."""
        return evenly_spaced(keep_states, num_steps=self.num_steps, sampler=self.plugin)


def even_steps(teacher: Teacher, num_steps: int) -> Iterator[tuple[float, float]]:
    """(t, t_next) of each step on the even grid from x_T's time to `t_data`."""
    yield from pairwise(even_times(teacher, num_steps))
