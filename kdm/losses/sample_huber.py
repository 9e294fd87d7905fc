"""Pseudo-Huber of a whole sample's error (Song and Dhariwal 2024, Sec. 3.3; Lee et al. 2024, Sec. 4.2).

    d(e) = (√(‖e‖² + c²) − c) / d,   ‖e‖ the length of one sample's error, d its number of values

The default c = 0.00054 √d is Song and Dhariwal's, chosen so that it turns at the same error a value for
pictures of any size.
"""

import math

from pydantic import Field

from kdm.losses.distances import Distance
from kdm.shapes import Samples, Scalar

_C_OVER_ROOT_D = 0.00054  # Song and Dhariwal 2024


class SampleHuber(Distance):
    """Square near 0, and the error's length over d far from it, a sample at a time.

    `huber` turns at each value by itself. Here a sample turns as a whole: once its error is large,
    its gradient has a fixed length, however bad it is.
    """

    plugin = "sample-huber"

    c: float | None = Field(None, gt=0)  # the turning point, a length; null: 0.00054 √d

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """The mean over samples (n, ...)."""
        squares = (prediction - target).flatten(1).square()
        num_values = squares.shape[1]
        c = _C_OVER_ROOT_D * math.sqrt(num_values) if self.c is None else self.c
        return ((squares.sum(1) + c**2).sqrt() - c).mean() / num_values
