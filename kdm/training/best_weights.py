"""The weights of the checkpoint before which the training loss was lowest, kept beside the last ones.

    score of a checkpoint = mean of the model's total loss L over the history since the checkpoint before

It needs no held-out pair. The published code keeps the checkpoint with the best FID against the
test set's statistics, which selects on the test set; early stopping in general needs separate data
(Prechelt 1998). So the result of a run stays its last weights, and these are an extra offer. L
belongs to the weights as they were at each step, while what is kept is their moving average.
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
from storage.folders import Folder


class BestWeights:
    """Keeps them in a run's folder: best.safetensors, and best.json with step, loss and digest.

    `identity` is all that the run's numbers depend on; files of another run in the folder don't
    count. A run that was killed and continues ends with the same bytes: it will keep again what it
    kept after its last checkpoint.
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
        self._lowest: float | None = None  # not read from the folder yet

    def consider(self, step: int, losses: list[dict[str, Any]], ema: Ema) -> None:
        """Save the averages after `step` steps, if a checkpoint is due and they're the best so far.

        `losses` is the whole history. Averages with NaN or Inf are never kept.
        """
        if not self._options.keep_best:
            return
        if self._lowest is None:
            self._lowest = self._kept_before()
        counted = self._since_the_last(step, losses)
        if not counted or fmean(counted) >= self._lowest:
            return
        state = ema.model_state()
        # If they aren't finite, the next checkpoint ends the run.
        if all(tensor.isfinite().all() for tensor in state.values()):
            self._lowest = fmean(counted)
            self._keep(step, safetensors_bytes(state))

    def _keep(self, step: int, data: bytes) -> None:
        """Write the weights, then the document with their digest: a mismatch shows at the next read."""
        document = {
            "step": step,
            "loss": self._lowest,
            "identity": self._identity,
            "weights": {"file": BEST_WEIGHTS, "sha256": sha256_of(data), "num_bytes": len(data)},
        }
        self._folder.replace(BEST_WEIGHTS, data)
        self._folder.replace(BEST, seal(document))

    def _kept_before(self) -> float:
        """The score of what this run has kept already; infinity if nothing was kept."""
        try:
            document = unseal(self._folder.read(BEST), f"{self._folder.url}/{BEST}")
        except FileNotFoundError:
            return math.inf
        except DamageError as error:
            self._notify(Notice(f"{error}; the search for the best weights starts again"))
            return math.inf
        return float(document["loss"]) if document["identity"] == self._identity else math.inf

    def _since_the_last(self, step: int, losses: list[dict[str, Any]]) -> list[float]:
        """The totals logged between the checkpoint due after `step` steps and the one before it.

        Entries from before adversarial training started are left out: their totals have fewer terms.
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
        """The name of the model's total in the loss history: with several players PLAYER/total."""
        players = self._objective.players
        (own,) = [each.name for each in players if each.module is self._objective.model] or [""]
        return f"{own}/total" if len(players) > 1 else "total"
