"""Do samples land on the checkerboard's dark squares, and on their teacher's (arXiv 2505.13358, Fig. 2)?

With c(x) the square that a point x lies on and D the eight dark squares, over n pairs (x_T, x_0) and
the student's x_0^ = G(x_T):

    in_cells  = (1/n) Σ_i 1[c(x_0^) ∈ D],      same_cell = (1/n) Σ_i 1[c(x_0^) = c(x_0)].

A share of .98 in cells means that 2 % of the samples are where no data can be. A student
can have all samples in cells and still send noise to other squares than its teacher does: `same_cell`
shows that.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kdm.datasets.checkerboard import cell_of, in_cells
from kdm.metrics.bootstrap import resampled_mean
from kdm.metrics.metric import Meaning, Metric
from kdm.metrics.samples import EvaluationSamples


class Cells(Metric):
    """Fractions of samples on the eight dark squares and on the square that the teacher chose."""

    plugin: ClassVar[str] = "cells"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "in_cells": Meaning(
            label="in cells",
            explanation="samples from held-out noise that lie on a dark square",
            better="higher",
            measured_on="heldout",
            is_fraction=True,
        ),
        "in_cells_fresh": Meaning(
            label="in cells, fresh noise",
            explanation="samples from noise of no pair that lie on a dark square",
            better="higher",
            measured_on="fresh",
            is_fraction=True,
        ),
        "same_cell": Meaning(
            label="same cell as teacher",
            explanation="held-out noise that lands in the square where the teacher lands; "
            "the teacher's is 1 by construction",
            better="higher",
            measured_on="heldout",
            is_fraction=True,
        ),
    }

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """A ValueError if samples are not points in the plane."""
        if shape != (2,):
            raise ValueError(
                f"metric 'cells' needs points of shape (2,), got {shape}; "
                "leave it out of the recipe's metrics"
            )

    def measure(self, samples: EvaluationSamples) -> dict[str, float]:
        """Three fractions in [0, 1]; a ValueError if samples are not points in the plane."""
        self.require_shape(samples.x_0.shape[1:])
        return {name: float(np.mean(hits)) for name, hits in _hits(samples).items()}

    def deviations(self, samples: EvaluationSamples) -> dict[str, tuple[float, ...]]:
        """Those of three means."""
        return {
            name: resampled_mean(hits, samples.label_of(self.meanings[name].measured_on))
            for name, hits in _hits(samples).items()
        }


def _hits(samples: EvaluationSamples) -> dict[str, NDArray[np.bool_]]:
    """Whether each sample counts for a number: bool [n] of held-out pairs, [m] of fresh noise."""
    return {
        "in_cells": in_cells(samples.x_0_hat),
        "in_cells_fresh": in_cells(samples.fresh_x_0_hat),
        "same_cell": np.all(cell_of(samples.x_0_hat) == cell_of(samples.x_0), axis=1),
    }
