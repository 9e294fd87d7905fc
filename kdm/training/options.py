"""How something is trained; every number that a run's weights depend on beside its model and data."""

from typing import Annotated, Any, Literal

from pydantic import Field

from storage.options import Options

Decay = Annotated[float, Field(ge=0, lt=1)]  # of an average, a step


class EmaOptions(Options):
    """The moving average of the weights that is exported."""

    decay: float = Field(0.9995, ge=0, lt=1)  # a step; averages over 1 / (1 − decay) steps
    # Until then the average spans a share of the run so far: decay 1 − 1 / (1 + warmup · steps).
    # None: full decay from step 0, as published; such an average holds the initial weights long.
    warmup: float | None = Field(0.03, gt=0)


class TrainingOptions(Options):
    """Steps, optimiser, schedule and average. Adam's rule is PyTorch's, epsilon included."""

    num_steps: int = Field(10_000, ge=1, le=10**10)
    batch_size: int = Field(512, ge=1, le=2**24)  # samples a step
    optimiser: Literal["adam"] = "adam"
    learning_rate: float = Field(8e-3, gt=0)  # at its highest
    betas: tuple[Decay, Decay] = (0.9, 0.95)
    epsilon: float = Field(1e-8, gt=0)
    schedule: Literal["constant", "cosine"] = "cosine"  # cosine: down to 0 at the last step
    warmup_steps: int = Field(200, ge=0)  # linear, from 1 / warmup_steps of the learning rate
    ema: EmaOptions | None = EmaOptions()  # None: the last weights are exported
    seed: int = Field(0, ge=0, le=2**64 - 1)  # of initial weights, noise and order
    num_threads: int = Field(
        1, ge=1, le=1024
    )  # sums depend on it; a second one gains little (docs/results.md)
    on_non_finite: Literal["stop"] = "stop"
    log_every: int = Field(100, ge=1)  # steps between two entries of the loss history
    checkpoint_every: int = Field(1_000, ge=1)  # steps; no number depends on it

    def identity(self) -> dict[str, Any]:
        """What the weights and the loss history depend on (JSON values)."""
        return self.model_dump(mode="json", exclude={"checkpoint_every"})
