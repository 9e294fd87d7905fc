"""How far apart pictures look (`lpips`), row by row: a student's and its teacher's, and two baselines.

A student that follows its teacher is near the teacher's sample of the same noise. How near, only the same
distance to samples of other noise can tell, of any class or of the same.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Rows = NDArray[np.int64]


class Apart(NamedTuple):
    """Distances from each row of one set to the teacher's sample of the same noise and of two others."""

    same: NDArray[np.float64]  # [n]
    shuffled: NDArray[np.float64]  # [n] of any class
    in_class: NDArray[np.float64]  # [n] of the same class


@dataclass(frozen=True)
class Perceived:
    """Of the student's samples, and of the teacher's in their place."""

    sha256: str  # of the network's file
    own: Apart
    teachers: Apart

    def with_teacher_as_student(self) -> Self:
        """The teacher's own in the student's place."""
        return type(self)(self.sha256, self.teachers, self.teachers)


def others(x_T: Points, label: Rows | None = None) -> Rows:
    """For each row another one of the same class, [n]: the next by the first values of its noise.

    Noise is random, so this is a shuffle; no row is its own, unless it is alone in its class. It doesn't
    depend on the order of the rows.
    """
    keys = x_T.reshape(len(x_T), -1)[:, :2].T
    classes = np.zeros(len(x_T), np.int64) if label is None else label
    found = np.empty(len(x_T), np.int64)
    for each in np.unique(classes):
        rows = np.flatnonzero(classes == each)
        ordered = rows[np.lexsort(keys[:, rows])]
        found[ordered] = np.roll(ordered, -1)
    return found
