"""The one trainer, for teachers and students: players step in turn, an average follows the model.

    for each step s:   batch ← source;   for each player: g ← ∇L(batch), θ ← Adam(θ, g, η_s);
                       θ̄ ← β_s θ̄ + (1 − β_s) θ

which is Algorithm 1's loop, with the critic as the first player and its line 17 as two updates. The
trainer knows nothing of models: an `Objective` says who plays and what each lowers.

A run that was stopped at any step and started again ends with the same bits as one that never was:
weights, average, optimisers and loss history come from the checkpoint, batches from the source's
position, and random numbers from (seed, step). So does a run on other ranks or in other micro-batches,
except for the rounding of sums.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from kdm.data import Source
from kdm.objective import Losses, Objective
from kdm.randomness.step_seeds import RULES, seed_step
from kdm.training.best_weights import BestWeights
from kdm.training.checkpoint import FOLDER, Checkpoints, LossEntry, Pace, Snapshot
from kdm.training.ema import Ema
from kdm.training.errors import Interrupted
from kdm.training.observers import Watch
from kdm.training.options import TrainingOptions
from kdm.training.progress import Report
from kdm.training.ranks import ALONE, Ranks
from kdm.training.schedule import learning_rate
from kdm.training.steps import Steps
from storage.folders import Folder

# For ranks that report nothing: the first alone draws pictures.
_UNWATCHED: dict[str, Any] = {"samples_every": 0}


@dataclass(frozen=True)
class TrainingResult:
    """What a finished run leaves: averages of the weights, the loss history, the time it took.

    Seconds are over all attempts, and CPU seconds over all ranks too.
    """

    averages: list[Ema]
    losses: list[LossEntry]
    seconds: float
    cpu_seconds: float
    counts: dict[str, int]  # of skipped steps; empty if skipping is off
    num_ranks: int  # of the last attempt
    paces: list[Pace]  # of the entries of the loss history

    @property
    def state(self) -> dict[str, Tensor]:
        """The state dict of the averaged model, by the first average."""
        return self.averages[0].model_state()


class Trainer:
    """Trains an objective on a source; checkpoints are in `folder / "checkpoints"`.

    `identity` is all that the run's numbers depend on: a checkpoint of another run is refused. `report`
    gets progress and notices, and `should_stop` is called before every step. Raises a ValueError if
    `ranks` or micro-batches can't share a step, or a module normalises over the whole batch.
    """

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
        ranks: Ranks = ALONE,
    ) -> None:
        self._steps = Steps(objective, options, ranks, report=report)
        self._ranks = ranks
        self._objective = objective
        self._source = source
        self._options = options
        self._checkpoints = Checkpoints(
            folder / FOLDER,
            identity,
            randomness=RULES[options.draws],
            keep=options.keep_checkpoints,
            notify=report,
        )
        self._should_stop = should_stop
        self._best = BestWeights(folder, identity, objective, options, notify=report)
        seen = options if ranks.is_first else options.model_copy(update=_UNWATCHED)
        self._watch = Watch(objective, self._steps.ema, seen, folder, report=report)
        self._losses: list[LossEntry] = []
        self._paces: list[Pace] = []
        self._step = 0
        self._saved_step: int | None = None

    def fit(self) -> TrainingResult:
        """Train to the last step, from the newest sound checkpoint on.

        Raises `Interrupted`, after a checkpoint, if `should_stop` says so, `NonFiniteError` if a
        loss isn't finite and the step may not be skipped, and `RankLostError` if a rank has left.
        """
        self._resume()
        self._watch.start_from(self._step)
        while self._step < self._options.num_steps:
            self._stop_if_asked()
            losses = self._train_step(self._step)
            self._step += 1
            self._keep_records(losses)
        self._steps.non_finite.sum_up()
        self._watch.say(self._step, self._logged(), is_last=True)
        seconds, cpu_seconds = self._clock()
        return TrainingResult(
            self._steps.averages,
            self._losses,
            seconds,
            cpu_seconds,
            self._steps.non_finite.counts,
            self._ranks.count,
            self._paces,
        )

    def _train_step(self, step: int) -> dict[str, Losses] | None:
        """Make one step; the losses of its players, or None if skipped without a change."""
        seed_step(self._options.seed, step)
        rate = learning_rate(self._options, step)
        return self._steps.make(step, self._source.next_batch(), rate)

    def _keep_records(self, losses: dict[str, Losses] | None) -> None:
        """After a step: log losses, keep best weights and checkpoint if due, report progress."""
        is_last = self._step == self._options.num_steps
        self._watch.stepped(self._step)
        if losses is not None and (is_last or self._step % self._options.log_every == 0):
            is_shared = len(self._objective.players) > 1
            values = _values(losses, is_shared=is_shared)
            entry = {"step": self._step, "losses": values, **self._steps.non_finite.counts}
            self._losses.append(entry)
            self._paces.append(self._watch.pace(self._step))
        if is_last or self._step % self._options.checkpoint_every == 0:
            if self._ranks.is_first:
                self._best.consider(self._step, self._losses, self._steps.ema)
            self._save()
        self._watch.say(self._step, self._logged())

    def _stop_if_asked(self) -> None:
        """Write a checkpoint and raise `Interrupted` if any rank got a request to stop."""
        if self._ranks.any(self._should_stop()):
            if self._saved_step != self._step:
                self._save()
            raise Interrupted(
                f"stopped after step {self._step} of {self._options.num_steps}, with a checkpoint; "
                "the same command continues from it"
            )

    def _save(self) -> None:
        """Write a checkpoint (the first rank does; all sum up their CPU time)."""
        self._saved_step = self._step
        seconds, cpu_seconds = self._clock()
        if not self._ranks.is_first:
            return
        self._checkpoints.save(
            Snapshot(
                step=self._step,
                position=self._source.position,
                tensors=self._steps.tensors(),
                losses=self._losses,
                skipped=self._steps.non_finite.skipped,
                seconds=seconds,
                cpu_seconds=cpu_seconds,
                paces=self._paces,
            )
        )

    def _resume(self) -> None:
        """Start the clocks and continue from the newest checkpoint, if any; all ranks have the same."""
        self._started = time.monotonic(), time.process_time()
        snapshot = self._checkpoints.newest()
        self._ranks.require_equal(snapshot.step if snapshot else 0, "the checkpoint's step")
        if snapshot is None:
            self._steps.begin()
            return
        self._steps.load(snapshot.tensors)
        self._source.seek(snapshot.position)
        self._losses, self._paces = list(snapshot.losses), list(snapshot.paces)
        self._steps.non_finite.skipped = snapshot.skipped
        self._step = self._saved_step = snapshot.step
        self._started = (
            self._started[0] - snapshot.seconds,
            self._started[1] - snapshot.cpu_seconds * self._ranks.is_first,
        )

    def _clock(self) -> tuple[float, float]:
        """Seconds of training so far over all attempts, and CPU seconds over all ranks too."""
        own = time.process_time() - self._started[1]
        return time.monotonic() - self._started[0], self._ranks.total(own)

    def _logged(self) -> dict[str, float]:
        return self._losses[-1]["losses"] if self._losses else {}


def _values(losses: Mapping[str, Losses], *, is_shared: bool) -> dict[str, float]:
    """Losses as numbers by name: TERM and `total`, or PLAYER/TERM if there are several players."""
    values = {}
    for name, each in losses.items():
        prefix = f"{name}/" if is_shared else ""
        for term, value in {**each.terms, "total": each.total}.items():
            values[prefix + term] = value.item()
    return values
