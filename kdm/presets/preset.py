"""What a preset is, and what all presets have in common (App. E.3, Table 7)."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from kdm.students.late_student import Student
from kdm.students.plugin import StudentPlugin
from kdm.training.options import EmaOptions, TrainingOptions
from storage.records import LabelRule, NoiseRule, PairSchema

Mode = Literal["default", "published"]
Terms = Literal["lat", "pred", "rec", "lat+pred", "rec+pred", "rec+lat", "rec+lat+pred"]  # Table 5
PUBLISHED_STEPS, STEPS = 800_001, 100_000  # App. E.3, "800k", and what this project affords


class Preset(NamedTuple):
    """A student, how it is trained, and the pairs that it is for."""

    student: StudentPlugin
    training: TrainingOptions
    schema: PairSchema

    def build(self) -> Student:
        """The student on the meta device: its parameters' shapes, without numbers or memory."""
        import torch  # imported late: naming presets needs no torch

        with torch.device("meta"):
            return self.student.build(self.schema)


# Makes a preset of a mode, the losses' options, and whether there is a critic.
Make = Callable[[Mode, dict[str, Any], bool], Preset]


def trained(num_steps: int, *, is_published: bool = False, **options: Any) -> TrainingOptions:
    """App. E.3's training: Adam, 3e-4, batches of 128, no warm-up, no schedule.

    The published average has decay 0.9999 from step 0, so that it contains the initial weights for long;
    unless `is_published`, it spans only a share of the run so far.
    """
    usual: dict[str, Any] = {"batch_size": 128, "learning_rate": 3e-4, "betas": (0.9, 0.999)}
    rate: dict[str, Any] = {"schedule": "constant", "warmup_steps": 0}
    ema = EmaOptions(decay=0.9999, warmup=None if is_published else 0.03)
    return TrainingOptions(num_steps=num_steps, ema=ema, **{**usual, **rate, **options})


def pictures(side: int = 32, num_classes: int = 0) -> PairSchema:
    """Pairs of an EDM teacher: x_T of standard deviation 80, pictures (3, side, side)."""
    label = LabelRule(num_classes=num_classes) if num_classes else None
    return PairSchema(shape=(3, side, side), noise=NoiseRule(scale=80), label=label)


def points() -> PairSchema:
    """Pairs of a flow-matching teacher of points: x_T of standard deviation 1, points (2,)."""
    return PairSchema(shape=(2,))
