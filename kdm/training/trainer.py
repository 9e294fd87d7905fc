"""The one trainer, for teachers and students: players step in turn, an average follows the model.

A run that was stopped at any step and started again ends with the same bits as one that never was:
weights, average, optimisers and loss history come from the checkpoint, the batches from the source's
position, and random numbers from (seed, step).
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from kdm.batch import Batch
from kdm.data import Source
from kdm.objective import Losses, Objective, Player
from kdm.training.adam import Adam
from kdm.training.checkpoint import Checkpoints, LossEntry, Snapshot
from kdm.training.ema import Ema
from kdm.training.environment import autocast
from kdm.training.errors import Interrupted, NonFiniteError
from kdm.training.options import TrainingOptions
from kdm.training.randomness import seed_step
from kdm.training.schedule import learning_rate
from kdm.training.watch import Report, Watch
from storage.fs import Folder


@dataclass(frozen=True)
class TrainingResult:
    """What a finished run leaves: the averaged model's state, the loss history, the time it took."""

    state: dict[str, Tensor]
    losses: list[LossEntry]
    seconds: float
    cpu_seconds: float


class Trainer:
    """Trains an objective on a source; checkpoints lie in `folder / "checkpoints"`."""

    def __init__(
        self,
        objective: Objective,
        source: Source,
        options: TrainingOptions,
        folder: Folder,
        *,
        identity: Mapping[str, Any],
        report: Report = lambda report: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._objective = objective
        self._source = source
        self._options = options
        self._checkpoints = Checkpoints(folder / "checkpoints", identity, notify=report)
        self._should_stop = should_stop
        self._adams = {each.name: Adam(each.module, options) for each in objective.players}
        self._ema = Ema(objective.model, options.ema)
        self._watch = Watch(objective, self._ema, options, folder, report=report)
        self._losses: list[LossEntry] = []
        self._step = 0

    def fit(self) -> TrainingResult:
        """Train to the last step, going on from the newest sound checkpoint.

        Raises `Interrupted` after a checkpoint where `should_stop` says so, and `NonFiniteError`
        where a loss is no number.
        """
        self._resume()
        with self._watch.from_step(self._step):
            while self._step < self._options.num_steps:
                self._stop_if_asked()
                losses = self._train_step(self._step)
                self._step += 1
                self._keep_records(losses)
        self._watch.say(self._step, self._logged(), is_last=True)
        seconds, cpu_seconds = self._clock()
        return TrainingResult(self._ema.model_state(), self._losses, seconds, cpu_seconds)

    def _train_step(self, step: int) -> dict[str, Losses]:
        seed_step(self._options.seed, step)
        rate = learning_rate(self._options, step)
        batch = self._source.next_batch()
        losses = {
            player.name: self._play(player, batch, rate) for player in self._objective.players
        }
        self._ema.update(step + 1)
        return losses

    def _play(self, player: Player, batch: Batch, rate: float) -> Losses:
        adam = self._adams[player.name]
        adam.zero_grad()
        with autocast(batch.x_0.device, self._options.precision):
            losses = player.loss(batch)
        self._require_finite(player, losses)
        losses.total.backward()  # type: ignore[no-untyped-call]
        adam.step(rate)
        return losses

    def _require_finite(self, player: Player, losses: Losses) -> None:
        if math.isfinite(losses.total.item()):
            return
        values = {**losses.terms, "total": losses.total}
        term = next(name for name, value in values.items() if not math.isfinite(value.item()))
        raise NonFiniteError(
            f"loss '{term}' of '{player.name}' is {values[term].item()} at step {self._step}; "
            "training stops there and the checkpoint before it stands. "
            "Try a lower learning rate, or a longer warm-up"
        )

    def _keep_records(self, losses: dict[str, Losses]) -> None:
        is_last = self._step == self._options.num_steps
        self._watch.stepped(self._step)
        if is_last or self._step % self._options.log_every == 0:
            self._losses.append({"step": self._step, "losses": _values(losses)})
            self._watch.logged(self._step, self._logged())
        if is_last or self._step % self._options.checkpoint_every == 0:
            self._save()
        self._watch.say(self._step, self._logged())

    def _stop_if_asked(self) -> None:
        if self._should_stop():
            self._save()
            raise Interrupted(
                f"stopped after step {self._step} of {self._options.num_steps}, with a checkpoint; "
                "the same command goes on from it"
            )

    def _save(self) -> None:
        seconds, cpu_seconds = self._clock()
        self._checkpoints.save(
            Snapshot(
                step=self._step,
                position=self._source.position,
                tensors=self._tensors(),
                losses=self._losses,
                seconds=seconds,
                cpu_seconds=cpu_seconds,
            )
        )

    def _resume(self) -> None:
        self._started = time.monotonic(), time.process_time()
        snapshot = self._checkpoints.newest()
        if snapshot is None:
            return
        self._load(snapshot.tensors)
        self._source.seek(snapshot.position)
        self._losses = list(snapshot.losses)
        self._step = snapshot.step
        self._started = (
            self._started[0] - snapshot.seconds,
            self._started[1] - snapshot.cpu_seconds,
        )

    def _clock(self) -> tuple[float, float]:
        return time.monotonic() - self._started[0], time.process_time() - self._started[1]

    def _logged(self) -> dict[str, float]:
        return self._losses[-1]["losses"] if self._losses else {}

    def _tensors(self) -> dict[str, Tensor]:
        tensors = _under("model", self._objective.model.state_dict())
        tensors |= _under("ema", self._ema.state())
        for player in self._objective.players:
            if player.module is not self._objective.model:
                tensors |= _under(f"players/{player.name}", player.module.state_dict())
            tensors |= _under(f"optimisers/{player.name}", self._adams[player.name].state())
        return tensors

    def _load(self, tensors: Mapping[str, Tensor]) -> None:
        self._objective.model.load_state_dict(_below("model", tensors))
        self._ema.load(_below("ema", tensors))
        for player in self._objective.players:
            if player.module is not self._objective.model:
                player.module.load_state_dict(_below(f"players/{player.name}", tensors))
            self._adams[player.name].load(_below(f"optimisers/{player.name}", tensors))


def _values(losses: Mapping[str, Losses]) -> dict[str, float]:
    """`TERM` and `total`; with several players `PLAYER/TERM`."""
    values = {}
    for name, each in losses.items():
        prefix = f"{name}/" if len(losses) > 1 else ""
        for term, value in {**each.terms, "total": each.total}.items():
            values[prefix + term] = value.item()
    return values


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }
