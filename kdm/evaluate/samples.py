"""What a student is measured on: its samples beside its teacher's, by name."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]


@dataclass(frozen=True)
class EvaluationSamples:
    """n held-out pairs and m samples from fresh noise; every array is float32 [·, *shape], finite.

    The teacher's `reference` and `second_reference` share no sample: where the student is compared
    with the first, the second in the student's place gives the floor. All four sets of m are of
    one size, because outliers and distances between sets depend on it.
    """

    x_T: Points  # [n, *shape] the noise of the held-out pairs
    x_0: Points  # [n, *shape] where the teacher takes it
    x_0_hat: Points  # [n, *shape] where the student takes it
    fresh_x_T: Points  # [m, *shape] noise of no pair
    fresh_x_0_hat: Points  # [m, *shape] where the student takes it
    reference: Points  # [m, *shape] samples of the teacher
    second_reference: Points  # [m, *shape] other samples of the teacher

    def __post_init__(self) -> None:
        """Raise a ValueError that names the array which has a wrong shape or a NaN or Inf."""
        shape = self.x_T.shape[1:]
        for name in (field.name for field in fields(self)):
            array = getattr(self, name)
            count = self.num_heldout if name in ("x_T", "x_0", "x_0_hat") else self.num_fresh
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

    def with_teacher_as_student(self) -> Self:
        """The teacher in the student's place: its own x_0, and its second set for fresh noise.

        `fresh_x_T` stays and is not the noise of the second set; no metric uses the two as a pair.
        """
        return replace(self, x_0_hat=self.x_0, fresh_x_0_hat=self.second_reference)
