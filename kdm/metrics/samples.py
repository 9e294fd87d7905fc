"""What a student is measured on: its samples beside its teacher's, by name.

Names follow the pages: x_T is noise, x_0 the teacher's data for it, x_0_hat the student's (x_0^).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.judgements import Judged
from kdm.metrics.perceived import Perceived
from kdm.metrics.views import Seen, View
from storage.digest import digest_of, sha256_of

Points = NDArray[np.float32]
Classes = NDArray[np.int64]

_HELDOUT = ("x_T", "x_0", "x_0_hat", "linear_x_0")
Side = Literal["heldout", "fresh"]
_FRESH = ("fresh_x_T", "fresh_x_0_hat", "reference", "second_reference")


@dataclass(frozen=True)
class EvaluationSamples:
    """n held-out pairs and m samples from fresh noise; arrays are float32 [·, *shape], finite.

    The teacher's `reference` and `second_reference` don't share samples: if the student is compared
    with the first, the second in the student's place gives the floor. All four sets of m are of
    one size, because outliers and distances between sets depend on it. None means absent: not every
    set has classes, and not every metric needs a rival or a classifier.
    """

    x_T: Points  # [n, *shape] the noise of the held-out pairs
    x_0: Points  # [n, *shape] where the teacher takes it
    x_0_hat: Points  # [n, *shape] where the student takes it
    fresh_x_T: Points  # [m, *shape] noise of no pair
    fresh_x_0_hat: Points  # [m, *shape] where the student takes it
    reference: Points  # [m, *shape] samples of the teacher
    second_reference: Points  # [m, *shape] other samples of the teacher
    label: Classes | None = None  # [n] of the held-out pairs
    fresh_label: Classes | None = None  # [m] of all four sets, row for row
    linear_x_0: Points | None = (
        None  # [n, *shape] where the best linear map of each class takes x_T
    )
    judged: Judged | None = None  # what a classifier says of samples and of real pictures
    seen: Mapping[View, Seen] = field(default_factory=dict)  # what published networks see in them
    perceived: Mapping[str, Perceived] = field(default_factory=dict)  # by the metric that asked

    def __post_init__(self) -> None:
        """Raise a ValueError that names the array which has a wrong shape or a NaN or Inf."""
        for name in (*_HELDOUT, *_FRESH):
            array = getattr(self, name)
            if array is not None:
                self._check(name, array)

    def _check(self, name: str, array: Points) -> None:
        """Raise a ValueError unless the array is [n or m, *shape] and finite."""
        shape = self.x_T.shape[1:]
        count = self.num_heldout if name in _HELDOUT else self.num_fresh
        if array.shape != (count, *shape) or not count:
            raise ValueError(
                f"{name} has shape {list(array.shape)}; it must be {[count, *shape]}, not empty"
            )
        num_broken = int(np.count_nonzero(~np.isfinite(array.reshape(count, -1)).all(axis=1)))
        if num_broken:
            raise ValueError(
                f"{name}: {num_broken} of {count} samples hold NaN or Inf, so no metric means "
                "anything; train the student again with a lower learning rate"
            )

    @property
    def num_heldout(self) -> int:
        """n, the number of held-out pairs."""
        return len(self.x_T)

    @property
    def num_fresh(self) -> int:
        """m, the number of samples from fresh noise."""
        return len(self.fresh_x_T)

    def label_of(self, side: Side) -> Classes | None:
        """The classes of held-out pairs or of fresh noise, if there are any."""
        return self.label if side == "heldout" else self.fresh_label

    def drawn_on(self) -> dict[Side, str]:
        """A digest of each side's noise, teacher's samples and classes: what students share."""
        sides: dict[Side, tuple[NDArray[np.generic] | None, ...]] = {
            "heldout": (self.x_T, self.x_0, self.label),
            "fresh": (self.fresh_x_T, self.reference, self.fresh_label),
        }
        return {side: _digest(arrays) for side, arrays in sides.items()}

    def with_teacher_as_student(self) -> Self:
        """The teacher in the student's place: its own x_0, and its second set for fresh noise.

        `fresh_x_T` stays and is not the noise of the second set; no metric uses the two as a pair.
        """
        judged = None if self.judged is None else self.judged.with_teacher_as_student()
        return replace(
            self,
            x_0_hat=self.x_0,
            fresh_x_0_hat=self.second_reference,
            judged=judged,
            seen={view: each.with_teacher_as_student() for view, each in self.seen.items()},
            perceived={
                name: each.with_teacher_as_student() for name, each in self.perceived.items()
            },
        )


def _digest(arrays: tuple[NDArray[np.generic] | None, ...]) -> str:
    """The digest of the arrays' types, shapes and bytes, without those that are None."""
    there = [np.ascontiguousarray(array) for array in arrays if array is not None]
    return digest_of(
        [[each.dtype.str, each.shape, sha256_of(each.data.cast("B"))] for each in there]
    )
