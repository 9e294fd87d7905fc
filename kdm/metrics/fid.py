"""FID: the Fréchet distance of Inception's features to real pictures' (Heusel et al. 2017).

`mode` is clean-fid's word for how pictures reach 299×299; the formula is `frechet`'s.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import Estimate
from kdm.metrics.metric import Meaning
from kdm.metrics.network_metric import FrechetMetric, InceptionMetric
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import Sight


class Fid(InceptionMetric, FrechetMetric):
    """FID of samples from fresh noise; the real pictures are taken as fixed."""

    plugin: ClassVar[str] = "fid"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "fid": Meaning(
            label="FID",
            explanation="Fréchet distance to real pictures over Inception's features; fewer samples "
            "are further away",
            better="lower",
            measured_on="fresh",
        )
    }

    def of(
        self, samples: EvaluationSamples, sight: Sight, label: NDArray[np.int64] | None
    ) -> dict[str, Estimate]:
        """A squared distance between features [n, d]; `label` is [n]."""
        return {"fid": self.distance(samples, sight, label)}
