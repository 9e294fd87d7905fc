"""Steps that go wrong: what happens if a loss or a gradient is NaN or infinite.

The published code replaces such gradients by numbers (NaN by 0, ±∞ by ±10⁵) and continues, as EDM's
training loop does (Karras et al. 2022); nothing then says that a training is broken. Here a run stops, or
it skips the whole step and counts it, as mixed-precision training skips steps whose gradients overflow
(Micikevicius et al. 2018, Sec. 3.2).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from kdm.objective import Losses, Objective, Player
from kdm.training.adam import Adam
from kdm.training.errors import NonFiniteError
from kdm.training.options import NonFinite
from kdm.training.progress import Notice

# A model that failed a hundred times in a row, on other samples each time, won't recover.
_MOST_IN_A_ROW = 100
_REMEDY = "Try a lower learning rate, or a longer warm-up"


@dataclass(frozen=True)
class Skipped:
    """How many steps of a run were skipped."""

    total: int = 0
    in_a_row: int = 0  # up to the last step


NONE_SKIPPED = Skipped()


class NonFiniteSteps:
    """The policy of one run, and the count of the steps that it skipped.

    'stop' looks at losses alone: an infinite gradient shows in the next loss, or in the next
    checkpoint, which isn't written. 'skip' looks at gradients too, at all of them through one sum of
    norms, and costs a copy of what a step may change before its last player moves.
    """

    def __init__(
        self,
        policy: NonFinite,
        objective: Objective,
        adams: Mapping[str, Adam],
        *,
        notify: Callable[[Notice], None],
    ) -> None:
        self._skips = policy == "skip"
        self._objective, self._adams = objective, adams
        self._notify = notify
        self.skipped = NONE_SKIPPED

    @property
    def counts(self) -> dict[str, int]:
        """`skipped_steps` for the loss history and the result; empty under 'stop'."""
        return {"skipped_steps": self.skipped.total} if self._skips else {}

    @contextmanager
    def watching(self, step: int, playing: tuple[Player, ...]) -> Iterator[None]:
        """Make a step in the block; under 'skip' one that goes wrong changes nothing.

        Weights, averages, buffers and optimisers are then as before it. Raises `NonFiniteError` under
        'stop', and under 'skip' if more than 100 in a row went wrong.
        """
        before = _Before(self._objective, self._adams, playing) if self._skips else None
        try:
            yield
        except _NoNumberError as fault:
            if before is None:
                raise NonFiniteError(
                    f"{fault} at step {step}; training stops, and keeps the checkpoint before it. "
                    f"{_REMEDY}"
                ) from fault
            before.put_back()
            self._count(step, str(fault))
        else:
            self.skipped = Skipped(self.skipped.total)

    def sum_up(self) -> None:
        """Report at the end how many steps were skipped in all."""
        if self.skipped.total:
            self._notify(Notice(f"{self.skipped.total:,} steps were skipped in all"))

    def check_losses(self, player: Player, losses: Losses) -> None:
        """Call before gradients are computed: under 'stop' a loss that isn't finite ends the step."""
        if not self._skips and not math.isfinite(losses.total.item()):
            raise _NoNumberError(_fault(player, losses, {}))

    def check_gradients(self, player: Player, losses: Losses) -> None:
        """Call before the player moves: under 'skip' nobody moves by a gradient that isn't finite."""
        if not self._skips:
            return
        gradients = self._adams[player.name].gradients()
        # A norm too large for float32 counts too: Adam's second moment would be infinite.
        norms = torch.stack(torch._foreach_norm(list(gradients.values())))
        if not math.isfinite((norms.sum() + losses.total.detach()).item()):
            raise _NoNumberError(_fault(player, losses, gradients))

    def _count(self, step: int, fault: str) -> None:
        """Count a skipped step: the 1st, 10th, 100th … is reported; over a hundred in a row end the run."""
        skipped = Skipped(self.skipped.total + 1, self.skipped.in_a_row + 1)
        self.skipped = skipped
        if skipped.in_a_row > _MOST_IN_A_ROW:
            raise NonFiniteError(
                f"{fault} at step {step}, and the {_MOST_IN_A_ROW} steps before it failed too; "
                f"training stops, and keeps the last checkpoint. {_REMEDY}"
            )
        if _is_power_of_ten(skipped.total):
            self._notify(
                Notice(
                    f"{fault} at step {step}: the step was skipped, as training.on_non_finite says, "
                    f"and weights, averages and optimisers are as before it ({skipped.total:,} so far)"
                )
            )


class _NoNumberError(Exception):
    """A loss or a gradient of one step is NaN or infinite."""


class _Before:
    """A copy of what a step changes before its last player moves, which moves by finite gradients only.

    These are the buffers of all modules, and weights and optimisers of the players before the last.
    """

    def __init__(
        self, objective: Objective, adams: Mapping[str, Adam], playing: tuple[Player, ...]
    ) -> None:
        modules = [objective.model, *(player.module for player in objective.players)]
        self._tensors = [each for module in modules for each in module.buffers()]
        for player in playing[:-1]:
            self._tensors += [*player.module.parameters(), *adams[player.name].state().values()]
        self._kept = [each.detach().clone() for each in self._tensors]

    @torch.no_grad()
    def put_back(self) -> None:
        for tensor, kept in zip(self._tensors, self._kept, strict=True):
            tensor.copy_(kept)


def _fault(player: Player, losses: Losses, gradients: Mapping[str, Tensor]) -> str:
    """Which term, or else which parameter's gradient, isn't finite."""
    values = {**losses.terms, "total": losses.total}
    for term, value in values.items():
        if not math.isfinite(value.item()):
            return f"loss '{term}' of '{player.name}' is {value.item()}"
    for name, gradient in gradients.items():
        norm = torch.linalg.vector_norm(gradient).item()
        if not math.isfinite(norm):
            return f"the gradient of '{name}' of '{player.name}' has norm {norm}"
    return f"the gradient of '{player.name}' is too large to be summed"


def _is_power_of_ten(number: int) -> bool:
    return str(number).rstrip("0") == "1"
