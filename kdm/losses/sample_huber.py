"""Pseudo-Huber of a whole sample's error (Song and Dhariwal 2024, Sec. 3.3; Lee et al. 2024, Sec. 4.2)."""

import math

from pydantic import Field

from kdm.losses.distances import Distance
from kdm.shapes import Samples, Scalar

_C_OVER_ROOT_D = 0.00054  # Song and Dhariwal 2024


class SampleHuber(Distance):
    """(sqrt(‖e‖² + c²) − c) / d of a sample of d values: square near 0, else the error's length.

    `huber` turns at each value by itself; here a sample turns as one, so that one bad value does
    not count for more where the others are bad too.
    """

    plugin = "sample-huber"

    c: float | None = Field(None, gt=0)  # where it turns, a length; null: 0.00054 √d

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """The mean over samples."""
        squares = (prediction - target).flatten(1).square()
        num_values = squares.shape[1]
        c = _C_OVER_ROOT_D * math.sqrt(num_values) if self.c is None else self.c
        return ((squares.sum(1) + c**2).sqrt() - c).mean() / num_values
