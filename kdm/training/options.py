"""How something is trained: every number that a run's weights depend on, besides model and data.

The optimiser is Adam (Kingma and Ba 2015), the schedule a linear warm-up (Goyal et al. 2017, Sec. 2.2) and
half a cosine (Loshchilov and Hutter 2017, Eq. 5), the result a moving average of the weights. The paper
trains with Adam at a constant 3e-4 without warm-up (App. E.3, Table 7); kdm/presets/presets.py has its
settings, and the defaults here are for the checkerboard.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from kdm.trackers.choice import require_each_once
from kdm.trackers.tracker import GROUP as TRACKERS
from kdm.trackers.tracker import TrackerPlugin
from storage.options import LastingOptions, Options
from storage.plugins import Configured

Precision = Literal["float32", "tf32", "bfloat16"]
NonFinite = Literal["stop", "skip"]
Decay = Annotated[float, Field(ge=0, lt=1)]  # of an average, a step


class Span(Options):
    """Over how many of the last steps an average of the weights reaches (kdm/training/ema.py)."""

    decay: float = Field(0.9995, ge=0, lt=1)  # a step; averages over 1 / (1 − decay) steps
    # Until then the average spans a share of the run so far: decay 1 − 1 / (1 + warmup · steps).
    # None: full decay from step 0, as published; then the initial weights count for long.
    warmup: float | None = Field(0.03, gt=0)


class EmaOptions(LastingOptions, Span):
    """The moving average of the weights, which is what a training exports.

    With `others` a student's run keeps several, and exports the one with the lowest loss on pairs that
    it doesn't learn from (kdm/training/average_choice.py).
    """

    added_later: ClassVar[Mapping[str, Any]] = {"others": [], "choose_on": 512}

    others: tuple[Span, ...] = Field((), max_length=8)  # further averages of the same run
    # With `others`: so many pairs, the last indices of the training split, decide and aren't learned from.
    choose_on: int = Field(512, ge=1, le=2**20)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Those of all averages, its own first."""
        return (self, *self.others)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.choose_on != 512 and not self.others:
            raise ValueError("choose_on is for a choice; give `others`, or leave it out")
        found = [(each.decay, each.warmup) for each in self.spans]
        if len(set(found)) < len(found):
            raise ValueError("two averages have the same decay and warmup; give each once")
        return self


class TrainingOptions(LastingOptions):
    """Steps, optimiser, schedule, average, and how often a run records something.

    Fields in `unseen` change no number, so that they aren't part of a training's name; those in
    `added_later` are left out of it while they have the value that was implied before they existed.
    docs/training.md explains all of them, and converts budgets that are counted in images.
    """

    added_later: ClassVar[Mapping[str, Any]] = {
        "precision": "float32",
        "is_compiled": False,
        "samples_every": None,
        "trackers": None,
        "keep_checkpoints": 2,
        "keep_best": True,
        "draws": "step",
        "micro_batch": None,
        "clip": None,
        "mirror": False,
    }
    unseen: ClassVar[frozenset[str]] = frozenset(
        {
            "checkpoint_every",
            "keep_checkpoints",
            "keep_best",
            "samples_every",
            "trackers",
            "micro_batch",
        }
    )

    num_steps: int = Field(10_000, ge=1, le=10**10)  # of the optimiser
    batch_size: int = Field(512, ge=1, le=2**24)  # samples a step
    # Samples that pass the model at once on each rank; None: all of its share. Only rounding depends on
    # it, as it does on the device and the number of ranks, and no name depends on any of these.
    micro_batch: int | None = Field(None, ge=1)
    optimiser: Literal["adam"] = "adam"  # Kingma and Ba 2015, Algorithm 1
    learning_rate: float = Field(8e-3, gt=0)  # at its highest
    betas: tuple[Decay, Decay] = (0.9, 0.95)  # β₁ and β₂ of Adam; published: 0.9 and 0.999
    epsilon: float = Field(1e-8, gt=0)  # added to the root √v̂ (Kingma and Ba 2015, Algorithm 1)
    # The largest norm of a player's gradient; a longer one is shortened to it (Pascanu et al. 2013).
    clip: float | None = Field(None, gt=0)
    # Of pictures: half of each step's samples are mirrored, x_0 with its x_T (kdm/training/mirrored.py).
    mirror: bool = False
    schedule: Literal["constant", "cosine"] = "cosine"  # cosine: down to 0 at the last step
    warmup_steps: int = Field(200, ge=0)  # linear, from 1 / warmup_steps of the learning rate
    ema: EmaOptions | None = EmaOptions()  # None: the last weights are exported
    seed: int = Field(0, ge=0, le=2**64 - 1)  # of initial weights, noise and order
    # Random numbers of a step: one stream for all of it, or a stream for each sample, which is then the
    # same on any number of ranks and in any micro-batches (kdm/randomness/sample_draws.py).
    draws: Literal["step", "sample"] = "step"
    num_threads: int = Field(
        1, ge=1, le=1024
    )  # sums depend on it; a second one gains little (docs/results.md)
    # Of forward pass and loss; weights, averages and Adam's state are always float32. 'float32' is
    # exactly that on a GPU too, although torch would use TF32 for convolutions. 'tf32' needs a GPU.
    precision: Precision = "float32"
    is_compiled: bool = False  # networks by torch.compile; no name in a checkpoint changes
    # If a loss is NaN or infinite: stop, or skip the step (for such a gradient too) and count it.
    on_non_finite: NonFinite = "stop"
    log_every: int = Field(100, ge=1)  # steps between two entries of the loss history
    checkpoint_every: int = Field(1_000, ge=1)  # steps; no number depends on it
    keep_checkpoints: int = Field(2, ge=1)  # the last ones; a damaged newest leaves the one before
    # Also keep the weights of the checkpoint with the lowest training loss (kdm/training/best_weights.py).
    keep_best: bool = True
    # Steps between two pictures of samples, if samples are images, and after the last step.
    # 0: none; None: five pictures a run. No number depends on it.
    samples_every: int | None = Field(None, ge=0)
    # Trackers of losses, pictures and final numbers (docs/trackers.md); None: none. No number depends on it.
    trackers: tuple[Annotated[TrackerPlugin, Configured(TRACKERS)], ...] | None = None

    @model_validator(mode="after")
    def _trackers_differ(self) -> Self:
        require_each_once(self.trackers or ())
        return self

    @property
    def num_apart(self) -> int:
        """Pairs that no step learns from, because they choose among several averages."""
        return self.ema.choose_on if self.ema and self.ema.others else 0

    def require_count(self, count: int) -> None:
        """Raise a ValueError unless some of `count` training pairs are left to learn from."""
        if self.num_apart >= count:
            raise ValueError(
                f"training.ema.choose_on keeps {self.num_apart:,} pairs apart, but there are {count:,}; "
                "lower it, or make more pairs"
            )

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if samples of this shape can't be trained on so."""
        if self.mirror and len(shape) != 3:
            raise ValueError(
                f"training.mirror is for pictures, of shape (C, H, W), not {shape}; set it to false"
            )

    def identity(self) -> dict[str, Any]:
        """All options that the weights and the loss history depend on, as JSON values."""
        return self.model_dump(mode="json", exclude=set(self.unseen))
