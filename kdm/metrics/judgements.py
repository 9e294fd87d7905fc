"""What a classifier of the data set's classes says of samples, and of real pictures beside them.

Each `Judgement` has features [n, d] and probabilities [n, classes] of one set of pictures.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class Judgement(NamedTuple):
    """What a classifier says of n samples."""

    features: NDArray[np.float64]  # [n, d]
    probabilities: NDArray[np.float64]  # [n, classes]

    @property
    def classes(self) -> NDArray[np.int64]:
        """The likeliest class of each, int64 [n]."""
        return np.asarray(self.probabilities.argmax(axis=1))


class RealPictures(NamedTuple):
    """A data set through its classifier's eyes; `heldout` is None if the set holds none out."""

    train: Judgement
    heldout: Judgement | None
    heldout_label: NDArray[np.int64] | None

    @property
    def num_heldout(self) -> int:
        """Held-out pictures."""
        return 0 if self.heldout is None else len(self.heldout.features)


@dataclass(frozen=True)
class Judged:
    """Judgements of the sets of fresh noise, all of one size, beside those of real pictures."""

    fresh: Judgement  # of fresh_x_0_hat
    reference: Judgement
    second_reference: Judgement
    real: RealPictures

    def with_teacher_as_student(self) -> Self:
        """The teacher's second set in the place of the student's samples."""
        return replace(self, fresh=self.second_reference)
