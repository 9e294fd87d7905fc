"""How far a student lands from its teacher on the same held-out noise.

With e_i = ‖x_0^(i) − x_0(i)‖² over n pairs of d coordinates:

    paired_mse = Σ_i e_i / (n d),   median_squared_error = median_i e_i,

and `paired_mse_trimmed` is the mean without the worst 0.1 %. All are in squared data units; 0 means
that the student copies the teacher's map exactly. They don't say whether the samples are good: a
blurred mean can have a smaller error than a sharp sample that landed elsewhere.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.metrics.bootstrap import resampled
from kdm.metrics.metric import Meaning, Metric
from kdm.metrics.samples import EvaluationSamples


class Paired(Metric):
    """Squared errors ‖x_0^ − x_0‖²: their mean, the mean without the worst, their median.

    A few points that land in the wrong cell dominate the mean; the other two tell of the rest.
    """

    plugin: ClassVar[str] = "paired"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "paired_mse": Meaning(
            label="paired MSE",
            explanation="squared error against the teacher, mean over points and coordinates; "
            "the teacher's is 0 by construction",
            better="lower",
            measured_on="heldout",
        ),
        "paired_mse_trimmed": Meaning(
            label="paired MSE, trimmed",
            explanation="the same without the worst points (0.1% unless the recipe says otherwise)",
            better="lower",
            measured_on="heldout",
        ),
        "median_squared_error": Meaning(
            label="median squared error",
            explanation="median over points of the squared distance to the teacher's point, "
            "summed over coordinates",
            better="lower",
            measured_on="heldout",
        ),
    }

    trimmed_fraction: float = Field(0.001, ge=0, lt=1)  # of the points, the worst ones

    def measure(self, samples: EvaluationSamples) -> dict[str, float]:
        """Squared data units; the first two a coordinate, the median a point."""
        errors, num_values = _squared_errors(samples), samples.x_0[0].size
        return {
            name: statistic(np.sort(errors)) for name, statistic in self._of(num_values).items()
        }

    def deviations(self, samples: EvaluationSamples) -> dict[str, tuple[float, ...]]:
        """Those of all three."""
        errors, statistics = _squared_errors(samples), self._of(samples.x_0[0].size)

        def each(statistic: Callable[[NDArray[np.float64]], float]) -> tuple[float, ...]:
            """What resampled pairs do to one of the numbers."""
            return resampled(
                lambda rows: statistic(np.sort(errors[rows])), len(errors), label=samples.label
            )

        return {name: each(statistic) for name, statistic in statistics.items()}

    def _of(self, num_values: int) -> dict[str, Callable[[NDArray[np.float64]], float]]:
        """Each number of sorted squared errors of samples of `num_values` coordinates."""

        def trimmed(errors: NDArray[np.float64]) -> float:
            """The mean without the largest errors, for each coordinate."""
            num_kept = len(errors) - int(self.trimmed_fraction * len(errors))
            return float(errors[:num_kept].mean() / num_values)

        return {
            "paired_mse": lambda errors: float(errors.mean() / num_values),
            "paired_mse_trimmed": trimmed,
            "median_squared_error": lambda errors: float(np.median(errors)),
        }


def _squared_errors(samples: EvaluationSamples) -> NDArray[np.float64]:
    """e = ‖x_0^ − x_0‖² of each pair, float64 [n]."""
    errors, teachers = np.empty(samples.num_heldout), samples.sets["x_0"]
    for rows, own in samples.sets["x_0_hat"].batches():
        difference = own.astype(np.float64) - teachers[rows]
        errors[rows] = (difference.reshape(len(own), -1) ** 2).sum(axis=1)
    return errors
