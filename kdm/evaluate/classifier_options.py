"""How a classifier of a data set's pictures is trained (kdm/evaluate/classifier_training.py)."""

import math
from typing import TYPE_CHECKING

from pydantic import Field

from storage.options import Options

if TYPE_CHECKING:
    from kdm.training.options import TrainingOptions


class ClassifierOptions(Options):
    """How a classifier is trained."""

    num_epochs: int = Field(30, ge=1)  # over the training split
    batch_size: int = Field(64, ge=1)  # samples a step
    learning_rate: float = Field(3e-3, gt=0)  # at its highest
    seed: int = Field(0, ge=0, le=2**64 - 1)  # of initial weights, dropout and order

    def training(self, count: int) -> "TrainingOptions":
        """The trainer's options for a set of `count` pictures."""
        from kdm.training.options import EmaOptions, TrainingOptions  # only to train

        num_steps = math.ceil(count * self.num_epochs / self.batch_size)
        return TrainingOptions(
            num_steps=num_steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            warmup_steps=num_steps // 10,
            ema=EmaOptions(decay=0.99),
            seed=self.seed,
            checkpoint_every=num_steps,
            keep_best=False,
        )
