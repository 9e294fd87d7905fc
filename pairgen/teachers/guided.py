"""Classifier-free guidance around a teacher that also answers without a label (Ho & Salimans 2022, Eq. 6).

    v_w(x, t, label) = (1 + w) v(x, t, label) - w v(x, t, none)

The paper guides the score; a velocity of the probability-flow ODE is linear in it, so the same weights
apply. w = 0 switches guidance off, larger w trades variety for samples that fit their labels better.
"""

from typing import ClassVar

import torch
from torch import Tensor

from kdm.shapes import Labels, Samples
from pairgen.field import Teacher


class Guided(Teacher):
    """v = v(label) + w (v(label) - v(none)); in everything else the teacher itself.

    One velocity takes two of the teacher's.
    """

    num_asked: ClassVar[int] = 2  # velocities of the teacher, for one

    def __init__(self, teacher: Teacher, weight: float) -> None:
        super().__init__()
        self.teacher, self._weight = teacher, weight
        self.t_noise, self.t_lowest = teacher.t_noise, teacher.t_lowest
        self.noise_scale = teacher.noise_scale
        self.evaluations = self.num_asked * teacher.evaluations

    @property
    def dtype(self) -> torch.dtype:
        """The teacher's."""
        return self.teacher.dtype

    @dtype.setter
    def dtype(self, dtype: torch.dtype) -> None:
        self.teacher.dtype = dtype

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """v_w [n, *shape] at x [n, *shape], t ([ ] or [n]) and label [n]; a ValueError without labels."""
        if label is None:
            raise ValueError(
                "guidance needs labels; give every sample one, or sample without guidance"
            )
        conditional = self.teacher.velocity(x, t, label)
        return conditional + self._weight * (conditional - self.teacher.velocity(x, t, None))

    def rounded(self, t: float) -> float:
        """The teacher's."""
        return self.teacher.rounded(t)


def sampled_field(teacher: Teacher, guidance: float | None) -> Teacher:
    """What pairs are sampled from: the teacher, with guidance of that weight unless it is None."""
    return teacher if guidance is None else Guided(teacher, guidance)
