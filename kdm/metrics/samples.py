"""What a student is measured on: its samples beside its teacher's, by name.

Names follow the pages: x_T is noise, x_0 the teacher's data for it, x_0_hat the student's (x_0^).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.judgements import Judged
from kdm.metrics.perceived import Perceived
from kdm.metrics.sample_sets import Points as Points
from kdm.metrics.sample_sets import SampleSet, set_of
from kdm.metrics.views import Seen, View
from storage.digest import digest_of

Classes = NDArray[np.int64]

_HELDOUT = ("x_T", "x_0", "x_0_hat", "linear_x_0")
Side = Literal["heldout", "fresh"]
_FRESH = ("fresh_x_T", "fresh_x_0_hat", "reference", "second_reference")


class _Named:
    """A field that is given as an array or as a set, and read as an array."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name


class _Given(_Named):
    """One that is always there."""

    def __get__(self, samples: object | None, _owner: type | None = None) -> Points:
        if samples is None:  # a dataclass asks for the default, and there is none
            raise AttributeError(self._name)
        given: SampleSet = vars(samples)[self._name]
        return given.array()

    def __set__(self, samples: object, given: Points | SampleSet) -> None:
        vars(samples)[self._name] = set_of(given)


class _MaybeGiven(_Named):
    """One that may be None, which is its default."""

    def __get__(self, samples: object | None, _owner: type | None = None) -> Points | None:
        given: SampleSet | None = None if samples is None else vars(samples)[self._name]
        return None if given is None else given.array()

    def __set__(self, samples: object, given: Points | SampleSet | None) -> None:
        vars(samples)[self._name] = None if given is None else set_of(given)


@dataclass(frozen=True)
class EvaluationSamples:
    """n held-out pairs and m samples from fresh noise; arrays are float32 [·, *shape], finite.

    The teacher's `reference` and `second_reference` don't share samples: if the student is compared
    with the first, the second in the student's place gives the floor. All four sets of m are of
    one size, because outliers and distances between sets depend on it. None means absent: not every
    set has classes, and not every metric needs a rival or a classifier.

    A field is read as an array, which is made at that moment if the set is large; `sets` gives rows of it
    and batches.
    """

    x_T: _Given = _Given()  # [n, *shape] the noise of the held-out pairs
    x_0: _Given = _Given()  # [n, *shape] where the teacher takes it
    x_0_hat: _Given = _Given()  # [n, *shape] where the student takes it
    fresh_x_T: _Given = _Given()  # [m, *shape] noise of no pair
    fresh_x_0_hat: _Given = _Given()  # [m, *shape] where the student takes it
    reference: _Given = _Given()  # [m, *shape] samples of the teacher
    second_reference: _Given = _Given()  # [m, *shape] other samples of the teacher
    label: Classes | None = None  # [n] of the held-out pairs
    fresh_label: Classes | None = None  # [m] of all four sets, row for row
    # [n, *shape] where the best linear map of each class takes x_T
    linear_x_0: _MaybeGiven = _MaybeGiven()
    judged: Judged | None = None  # what a classifier says of samples and of real pictures
    seen: Mapping[View, Seen] = field(default_factory=dict)  # what published networks see in them
    perceived: Mapping[str, Perceived] = field(default_factory=dict)  # by the metric that asked

    def __post_init__(self) -> None:
        """Raise a ValueError that names the array which has a wrong shape or a NaN or Inf."""
        for name, given in self.sets.items():
            self._check(name, given)

    def _check(self, name: str, given: SampleSet) -> None:
        """Raise a ValueError unless the array is [n or m, *shape] and finite."""
        count = self.num_heldout if name in _HELDOUT else self.num_fresh
        if given.shape != (count, *self.shape) or not count:
            raise ValueError(
                f"{name} has shape {list(given.shape)}; it must be {[count, *self.shape]}, not empty"
            )
        if given.num_broken:
            raise ValueError(
                f"{name}: {given.num_broken} of {count} samples hold NaN or Inf, so no metric means "
                "anything; train the student again with a lower learning rate"
            )

    @property
    def sets(self) -> dict[str, SampleSet]:
        """Every set [n, *shape] by its field's name; only the rows in work are in memory."""
        given = ((name, vars(self)[name]) for name in (*_HELDOUT, *_FRESH))
        return {name: each for name, each in given if each is not None}

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return self.sets["x_T"].shape[1:]

    @property
    def num_heldout(self) -> int:
        """n, the number of held-out pairs."""
        return len(self.sets["x_T"])

    @property
    def num_fresh(self) -> int:
        """m, the number of samples from fresh noise."""
        return len(self.sets["fresh_x_T"])

    def label_of(self, side: Side) -> Classes | None:
        """The classes of held-out pairs or of fresh noise, if there are any."""
        return self.label if side == "heldout" else self.fresh_label

    def drawn_on(self) -> dict[Side, str]:
        """A digest of each side's noise, teacher's samples and classes: what students share."""
        sides: dict[Side, tuple[str, str]] = {
            "heldout": ("x_T", "x_0"),
            "fresh": ("fresh_x_T", "reference"),
        }
        return {
            side: digest_of(
                [*(self.sets[name].content for name in names), *_content(self.label_of(side))]
            )
            for side, names in sides.items()
        }

    def with_teacher_as_student(self) -> Self:
        """The teacher in the student's place: its own x_0, and its second set for fresh noise.

        `fresh_x_T` stays and is not the noise of the second set; no metric uses the two as a pair.
        """
        changed: dict[str, Any] = {
            "x_0_hat": self.sets["x_0"],
            "fresh_x_0_hat": self.sets["second_reference"],
            "judged": None if self.judged is None else self.judged.with_teacher_as_student(),
            "seen": {view: each.with_teacher_as_student() for view, each in self.seen.items()},
            "perceived": {
                name: each.with_teacher_as_student() for name, each in self.perceived.items()
            },
        }
        # Not `replace`, which would read every set as an array.
        given = {each.name: vars(self)[each.name] for each in fields(self)}
        return type(self)(**(given | changed))


def _content(label: Classes | None) -> list[list[Any]]:
    """Type, shape and sha256 of classes, if there are any."""
    return [] if label is None else [SampleSet(label).content]
