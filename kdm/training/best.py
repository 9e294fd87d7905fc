"""The weights of the checkpoint before which the training loss was lowest, kept beside the last ones.

No held-out pair is looked at: a checkpoint counts by the mean of the model's total loss over the
entries of the loss history since the checkpoint before. That loss is of the weights as they were,
and what is kept is their average. The result of a run stays its last weights (kdm.md 1.14, no. 12).
"""

import math
from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from kdm.export import safetensors_bytes
from kdm.objective import Objective
from kdm.trained import BEST, BEST_WEIGHTS
from kdm.training.ema import Ema
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice
from storage.digest import seal, sha256_of, unseal
from storage.errors import DamageError
from storage.fs import Folder


class BestWeights:
    """What is kept in a run's folder; `identity` is all that the run's numbers depend on.

    A run that was killed and goes on ends with the same bytes: what it kept of steps that were lost
    is what it will come to again.
    """

    def __init__(
        self,
        folder: Folder,
        identity: Mapping[str, Any],
        objective: Objective,
        options: TrainingOptions,
        *,
        notify: Callable[[Notice], None],
    ) -> None:
        self._folder, self._identity = folder, dict(identity)
        self._objective, self._options = objective, options
        self._notify = notify
        self._lowest: float | None = None  # not looked for yet

    def consider(self, step: int, losses: list[dict[str, Any]], ema: Ema) -> None:
        """Keep the averages after `step` steps, where a checkpoint is due, if none was better."""
        if not self._options.keep_best:
            return
        if self._lowest is None:
            self._lowest = self._kept_before()
        counted = self._since_the_last(step, losses)
        if not counted or fmean(counted) >= self._lowest:
            return
        state = ema.model_state()
        # Where it is not, the checkpoint that comes next ends the run.
        if all(tensor.isfinite().all() for tensor in state.values()):
            self._lowest = fmean(counted)
            self._keep(step, safetensors_bytes(state))

    def _keep(self, step: int, data: bytes) -> None:
        document = {
            "step": step,
            "loss": self._lowest,
            "identity": self._identity,
            "weights": {"file": BEST_WEIGHTS, "sha256": sha256_of(data), "num_bytes": len(data)},
        }
        self._folder.replace(BEST_WEIGHTS, data)
        self._folder.replace(BEST, seal(document))

    def _kept_before(self) -> float:
        """The loss of what this run has kept already; infinite where that is nothing."""
        try:
            document = unseal(self._folder.read(BEST), f"{self._folder.url}/{BEST}")
        except FileNotFoundError:
            return math.inf
        except DamageError as error:
            self._notify(Notice(f"{error}; the best weights are looked for anew"))
            return math.inf
        return float(document["loss"]) if document["identity"] == self._identity else math.inf

    def _since_the_last(self, step: int, losses: list[dict[str, Any]]) -> list[float]:
        """The total losses logged since the checkpoint that was due before the one after `step` steps.

        Of an opening they are left out: there the total has fewer terms.
        """
        every, num_steps = self._options.checkpoint_every, self._options.num_steps
        first, objective = step - (step % every or every), self._objective
        return [
            entry["losses"][self._total]
            for entry in losses
            if first < entry["step"] <= step
            and objective.playing((entry["step"] - 1) / num_steps) is objective.players
        ]

    @property
    def _total(self) -> str:
        """The name of the model's total in the loss history."""
        players = self._objective.players
        (own,) = [each.name for each in players if each.module is self._objective.model] or [""]
        return f"{own}/total" if len(players) > 1 else "total"
