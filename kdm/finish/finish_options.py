"""How a trained student is finished, as options: what a recipe says under `finish`."""

from typing import Literal

from pydantic import Field

from kdm.finish.moment_features import AnyFeatures, RandomMaps
from storage.options import Options


class FinishOptions(Options):
    """A second, short training by the distance between moments of features (kdm/finish/distribution.py)."""

    kind: Literal["distribution"] = "distribution"
    features: AnyFeatures = RandomMaps()  # whose moments are compared
    decay: float = Field(0.95, ge=0, lt=1)  # of the moments, a step
    anchor: float = Field(0.3, ge=0)  # weight of the student's own loss
    num_steps: int = Field(200, ge=1, le=10**10)  # of the second training
    batch_size: int = Field(128, ge=2, le=2**24)  # samples a step
    learning_rate: float = Field(3e-4, gt=0)  # at its highest, down to 0 by half a cosine
    warmup_steps: int = Field(20, ge=0)  # linear, from 1 / warmup_steps of the learning rate

    @property
    def words(self) -> str:
        """A sentence's part, for a card."""
        return f"{self.num_steps:,} steps that compare moments of features ({self.features.words})"
