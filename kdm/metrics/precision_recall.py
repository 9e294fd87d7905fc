"""Precision, recall, density and coverage of Inception's features, by `neighbourhoods`."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.metrics.bootstrap import Estimate, by_shares, resampled_mean, share_of
from kdm.metrics.feature_rows import first_rows
from kdm.metrics.metric import Meaning
from kdm.metrics.neighbourhoods import Neighbourhoods, neighbourhoods, require_neighbours
from kdm.metrics.network_metric import InceptionMetric, SplitMetric
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import Sight


class PrecisionRecall(InceptionMetric, SplitMetric):
    """Four shares of samples from fresh noise and of real pictures.

    Real pictures are the first as many as there are samples: all four depend on both numbers.
    Intervals are over samples; those of recall and coverage by the jackknife, which is a little wide, so
    no student is marked by them.
    """

    plugin: ClassVar[str] = "precision-recall"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "precision": Meaning(
            label="precision",
            explanation="share of samples that lie within the k-th neighbour of a real picture",
            better="higher",
            measured_on="fresh",
        ),
        "recall": Meaning(
            label="recall",
            explanation="share of real pictures that lie within the k-th neighbour of a sample",
            better="higher",
            measured_on="fresh",
            is_ranked=False,
        ),
        "density": Meaning(
            label="density",
            explanation="in how many real pictures' neighbourhoods a sample lies, over k",
            better="higher",
            measured_on="fresh",
        ),
        "coverage": Meaning(
            label="coverage",
            explanation="share of real pictures that have a sample among their k neighbours",
            better="higher",
            measured_on="fresh",
            is_ranked=False,
        ),
    }

    num_neighbours: int = Field(3, ge=1)  # k of Kynkäänniemi et al.; Naeem et al. take 5

    def require_samples(self, count: int, num_features: int) -> None:
        """A ValueError if there aren't as many neighbours."""
        require_neighbours(count, self.num_neighbours)

    def of(
        self, samples: EvaluationSamples, sight: Sight, label: NDArray[np.int64] | None
    ) -> dict[str, Estimate]:
        """Three shares, and a mean that may be above 1, by features [n, d]; `label` is [n]."""
        features = sight.features
        real = first_rows(self.real_features(samples), len(features))
        found = neighbourhoods(features, real, num_neighbours=self.num_neighbours)
        return neighbour_estimates(found, label)


def neighbour_estimates(
    found: Neighbourhoods, label: NDArray[np.int64] | None
) -> dict[str, Estimate]:
    """The numbers with their intervals, given the classes of samples, `label` [n], if there are any."""
    precise, dense = resampled_mean(found.precise, label), found.density
    return {
        "precision": share_of(found.precise)._replace(deviations=precise),
        "recall": _held(found.recalled, found.recall_shares, label),
        "density": by_shares(float(dense.mean()), dense, label),
        "coverage": _held(found.covered, found.coverage_shares, label),
    }


def _held(
    is_held: NDArray[np.bool_], shares: NDArray[np.float64], label: NDArray[np.int64] | None
) -> Estimate:
    """A share of real pictures: its interval over samples, and over pictures where that is wider.

    If no sample holds a picture alone, samples would leave no interval at all.
    """
    over_samples = by_shares(float(is_held.mean()), shares, label)
    over_pictures = share_of(is_held)
    low = max(min(over_samples.low, over_pictures.low), 0.0)
    high = min(max(over_samples.high, over_pictures.high), 1.0)
    return over_samples._replace(low=low, high=high)
