"""Precision, recall, density and coverage of Inception's features, by `neighbourhoods`."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from kdm.metrics.bootstrap import Estimate, by_shares, resampled_mean, share_of
from kdm.metrics.feature_rows import first_rows
from kdm.metrics.metric import Meaning
from kdm.metrics.neighbourhoods import neighbourhoods
from kdm.metrics.network_metric import SplitMetric
from kdm.metrics.samples import EvaluationSamples


class PrecisionRecall(SplitMetric):
    """Four shares of samples from fresh noise and of real pictures.

    Real pictures are the first as many as there are samples: all four depend on both numbers.
    Intervals of precision and density are over samples. Those of recall and coverage are over real
    pictures, and leave out the chance of the samples, so no student is marked by them.
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

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """Three shares, and a mean that may be above 1."""
        features = self.features(samples)
        real = first_rows(self.real_features(samples), len(features))
        found = neighbourhoods(features, real, num_neighbours=self.num_neighbours)
        label = samples.fresh_label
        precise, dense = resampled_mean(found.precise, label), found.density
        return {
            "precision": share_of(found.precise)._replace(deviations=precise),
            "recall": share_of(found.recalled),
            "density": by_shares(float(dense.mean()), dense, label),
            "coverage": share_of(found.covered),
        }
