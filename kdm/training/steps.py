"""One step of training, and all that it changes: weights, optimisers, average, buffers.

    for each player:  g ← mean over parts and ranks of ∇L(part),  θ ← Adam(θ, g, η)
    then              θ̄ ← β θ̄ + (1 − β) θ

Players step one after another on the same batch: a critic first, then the student, which sees the critic
as it is after its step (Algorithm 1, line 17, in the published code's order).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from kdm.batch import Batch
from kdm.objective import Losses, Objective, Player
from kdm.training.adam import Adam
from kdm.training.clip import clip_
from kdm.training.ema import Ema
from kdm.training.environment import autocast
from kdm.training.micro_batches import Part, Parts, mean_losses, require_whole_batches
from kdm.training.non_finite import NonFiniteSteps
from kdm.training.options import TrainingOptions
from kdm.training.ranks import Ranks

if TYPE_CHECKING:
    from kdm.training.progress import Report


class Steps:
    """Makes the steps of one run.

    `averages` of the weights are what a run may export, `non_finite` the policy for steps that go
    wrong. Raises a ValueError if `ranks` or micro-batches can't share a step, or a module normalises
    over a batch that no part has.
    """

    def __init__(
        self, objective: Objective, options: TrainingOptions, ranks: Ranks, *, report: "Report"
    ) -> None:
        self._parts = Parts(options, ranks)
        require_whole_batches(objective, options, ranks)
        self._objective, self._options, self._ranks = objective, options, ranks
        self._adams = {
            each.name: Adam(each.module, options, without=objective.taken_from(each))
            for each in objective.players
        }
        parts = set(objective.model.modules())
        self._outside = [each for each in objective.players if each.module not in parts]
        spans = options.ema.spans if options.ema else (None,)
        self.averages = [Ema(objective.model, span) for span in spans]
        self.non_finite = NonFiniteSteps(
            options.on_non_finite, objective, self._adams, notify=report
        )

    @property
    def ema(self) -> Ema:
        """The first average: of pictures, of the best weights, and the only one that most runs have."""
        return self.averages[0]

    def begin(self) -> None:
        """Set the weights that a run's first step starts from, and averages that start as copies of them."""
        if self._objective.begin is None:
            return
        self._objective.begin()
        started = self._objective.model.state_dict()
        for average in self.averages:
            average.load(started)

    def make(self, step: int, batch: Batch, rate: float) -> dict[str, Losses] | None:
        """Make step number `step` on this rank's rows of its batch, with learning rate η = `rate`.

        The losses over all ranks by player, or None if the step was skipped and changed nothing.
        Raises `NonFiniteError` if a loss isn't finite and the step may not be skipped.
        """
        done = step / self._options.num_steps
        parts = self._parts.of(replace(batch, share_done=done), step)
        playing = self._objective.playing(done)
        with self.non_finite.watching(step, playing):
            losses = {player.name: self._play(player, step, parts, rate) for player in playing}
            for average in self.averages:
                average.update(step + 1)
            return losses
        return None

    def tensors(self) -> dict[str, Tensor]:
        """All that a step changes, by name: model/…, ema/…, ema-1/…, players/PLAYER/…, optimisers/PLAYER/….

        Each has the shape of its parameter or buffer; an optimiser's step counts are scalars [].
        """
        tensors = _under("model", self._objective.model.state_dict())
        for name, average in self._named_averages():
            tensors |= _under(name, average.state())
        for player in self._outside:
            tensors |= _under(f"players/{player.name}", player.module.state_dict())
        for name, adam in self._adams.items():
            tensors |= _under(f"optimisers/{name}", adam.state())
        return tensors

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `tensors` gave, of the same names and shapes."""
        self._objective.model.load_state_dict(_below("model", tensors))
        for name, average in self._named_averages():
            average.load(_below(name, tensors))
        for player in self._outside:
            player.module.load_state_dict(_below(f"players/{player.name}", tensors))
        for name, adam in self._adams.items():
            adam.load(_below(f"optimisers/{name}", tensors))

    def _named_averages(self) -> list[tuple[str, Ema]]:
        """The averages with their names in a checkpoint: ema, ema-1, ema-2, …."""
        return [(f"ema-{row}" if row else "ema", each) for row, each in enumerate(self.averages)]

    def _play(self, player: Player, step: int, parts: list[Part], rate: float) -> Losses:
        """Move one player by the mean gradient of all parts on all ranks; its losses over all of them."""
        adam = self._adams[player.name]
        adam.zero_grad()
        losses = [self._differentiated(player, step, part, len(parts)) for part in parts[:-1]]
        with self._ranks.averaging(adam.parameters):
            losses.append(self._differentiated(player, step, parts[-1], len(parts)))
        together = mean_losses(losses)
        self.non_finite.check_gradients(player, together)
        if self._options.clip is not None:
            clip_(adam.parameters, self._options.clip)
        pace = player.pace(step / self._options.num_steps)
        adam.step(rate * pace.rate, beta_2=pace.beta_2)
        return together

    def _differentiated(self, player: Player, step: int, part: Part, num_parts: int) -> Losses:
        """Add a part's share to the player's gradient; the part's losses, averaged over ranks."""
        device = part.batch.x_0.device
        with self._parts.drawing(step, part), autocast(device, self._options.precision):
            losses = player.loss(part.batch)
        together = self._ranks.averaged(losses)
        self.non_finite.check_losses(player, together)
        own = losses.total if num_parts == 1 else losses.total / num_parts
        own.backward()  # type: ignore[no-untyped-call]
        return together


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by the rest of their names."""
    start = f"{prefix}/"
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }
