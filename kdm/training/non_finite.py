"""Steps that go wrong: what is done where a loss or a gradient is NaN or infinite.

Published code puts numbers in place of such gradients and goes on (kdm.md 1.1, step 7). Here a run
stops, or leaves the whole step out and counts it.
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

# A model that gave no number a hundred times, on other samples each time, will give none again.
_MOST_IN_A_ROW = 100
_REMEDY = "Try a lower learning rate, or a longer warm-up"


@dataclass(frozen=True)
class Skipped:
    """Steps that were left out."""

    total: int = 0
    in_a_row: int = 0  # the last ones


NONE_SKIPPED = Skipped()


class NonFiniteSteps:
    """The policy of one run, and the count of what it left out.

    'stop' looks at losses alone: an infinite gradient shows in the next loss, or in the next
    checkpoint, which is not written. 'skip' looks at gradients too, all in one sum.
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
        """What the loss history and the result say: `skipped_steps`; nothing where no step ever is."""
        return {"skipped_steps": self.skipped.total} if self._skips else {}

    @contextmanager
    def watching(self, step: int, playing: tuple[Player, ...]) -> Iterator[None]:
        """Within it a step is made; under 'skip' one that goes wrong leaves nothing behind.

        Raises `NonFiniteError` under 'stop', and where too many in a row went wrong.
        """
        before = _Before(self._objective, self._adams, playing) if self._skips else None
        try:
            yield
        except _NoNumberError as fault:
            if before is None:
                raise NonFiniteError(
                    f"{fault} at step {step}; training stops there and the checkpoint before it "
                    f"stands. {_REMEDY}"
                ) from fault
            before.put_back()
            self._count(step, str(fault))
        else:
            self.skipped = Skipped(self.skipped.total)

    def sum_up(self) -> None:
        """At the end, how many there were."""
        if self.skipped.total:
            self._notify(Notice(f"{self.skipped.total:,} steps in all were skipped"))

    def check_losses(self, player: Player, losses: Losses) -> None:
        """To be called before gradients are taken: 'stop' goes no further where there is no loss."""
        if not self._skips and not math.isfinite(losses.total.item()):
            raise _NoNumberError(_fault(player, losses, {}))

    def check_gradients(self, player: Player, losses: Losses) -> None:
        """To be called before the player moves: 'skip' lets nobody move by what is no number."""
        if not self._skips:
            return
        gradients = self._adams[player.name].gradients()
        # A norm that float32 cannot hold counts too: Adam's second moment would be infinite.
        norms = torch.stack(torch._foreach_norm(list(gradients.values())))
        if not math.isfinite((norms.sum() + losses.total.detach()).item()):
            raise _NoNumberError(_fault(player, losses, gradients))

    def _count(self, step: int, fault: str) -> None:
        skipped = Skipped(self.skipped.total + 1, self.skipped.in_a_row + 1)
        self.skipped = skipped
        if skipped.in_a_row > _MOST_IN_A_ROW:
            raise NonFiniteError(
                f"{fault} at step {step}, and {_MOST_IN_A_ROW} steps before it were no better; "
                f"training stops there and the last checkpoint stands. {_REMEDY}"
            )
        if _is_power_of_ten(skipped.total):
            self._notify(
                Notice(
                    f"{fault} at step {step}: the step was skipped, as training.on_non_finite says; "
                    f"weights, averages and optimisers are as before it ({skipped.total:,} so far)"
                )
            )


class _NoNumberError(Exception):
    """A loss or a gradient of one step is NaN or infinite."""


class _Before:
    """What a step may change until its last player moves: that one moves only by what is finite."""

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
