"""Students that learn from the stored states of each trajectory, not from its two ends alone.

    x_T = x at level 0, states 1 … K, x_0:   x at level i is α_i x_0 + σ_i ε in distribution

The K states of a sample lie between x_T and x_0, each at the time that the sampler kept it (docs/store.md).
Where these times are, as (α, σ), is part of the student's options: a finished student needs nothing else.
"""

from abc import ABC
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from kdm.level import Level
from kdm.students.plugin import StudentPlugin
from storage.records import PairSchema

_HOW_MANY = "7, for example, in pairs.pairs.num_states"


def _require_falling(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    noises = [level.sigma for level in levels]
    if noises != sorted(set(noises), reverse=True) or min(noises, default=1.0) <= 0:
        raise ValueError(
            "levels must go from noise to data, without the data: each σ below the one before it, and "
            "above 0"
        )
    return levels


Levels = Annotated[tuple[Level, ...], AfterValidator(_require_falling)]


class StateReader(StudentPlugin, ABC):
    """A student whose batches hold `states`, and the levels at which these are."""

    reads_states: ClassVar[bool] = True

    # [α, σ] of x_T and of each state, from noise to data. Empty: those of the pairs' teacher and sampler,
    # which `kdm distill` fills in. Imported pairs don't say them, so that their recipe has to.
    levels: Levels = ()

    def require_states(self, schema: PairSchema) -> None:
        """Raise a ValueError unless pairs of this schema hold states, as many as there are levels."""
        if not schema.num_states:
            raise ValueError(
                f"'{self.plugin}' learns from states between noise and data, but the pairs hold "
                f"none; make pairs with some ({_HOW_MANY}), or choose another student"
            )
        if self.levels and len(self.levels) != schema.num_states + 1:
            raise ValueError(
                f"levels of '{self.plugin}' has {len(self.levels)} entries, but the pairs hold "
                f"{schema.num_states} states; give {schema.num_states + 1}: that of x_T, then one for "
                "each state"
            )

    def require_trainable(self, schema: PairSchema) -> None:
        """Raise a ValueError also if nobody has said at which levels the states are."""
        super().require_trainable(schema)
        if not self.levels:
            raise ValueError(
                f"'{self.plugin}' needs the levels of x_T and of the stored states; give its option "
                "'levels', as [[α, σ], …], or train it by 'kdm distill', which knows them"
            )
