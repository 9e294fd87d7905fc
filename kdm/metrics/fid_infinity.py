"""FID∞: what FID would be with samples without end (Chong & Forsyth 2020), by `frechet_extrapolated`."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.metrics.bootstrap import Estimate, by_shares
from kdm.metrics.frechet_extrapolated import extrapolated_frechet, extrapolation_sizes
from kdm.metrics.metric import Meaning
from kdm.metrics.network_metric import FrechetMetric, InceptionMetric
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import Sight


class FidInfinity(InceptionMetric, FrechetMetric):
    """The intercept of a line through FIDs over 1/n; it may be below 0 by chance."""

    plugin: ClassVar[str] = "fid-infinity"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "fid_infinity": Meaning(
            label="FID∞",
            explanation="FID extrapolated to samples without end, by a line over 1/n",
            better="lower",
            measured_on="fresh",
        )
    }

    num_sizes: int = Field(15, ge=2)  # as published
    seed: int = Field(0, ge=0, le=2**32 - 1)  # of the rows of each size

    def require_samples(self, count: int, num_features: int) -> None:
        """A ValueError unless a line can be drawn through as many sizes."""
        extrapolation_sizes(count, num_features, self.num_sizes)

    def of(
        self, samples: EvaluationSamples, sight: Sight, label: NDArray[np.int64] | None
    ) -> dict[str, Estimate]:
        """A squared distance between features [n, d]; `label` is [n]."""
        found = extrapolated_frechet(
            sight.features, self.to_real(samples), num_sizes=self.num_sizes, seed=self.seed
        )
        return {"fid_infinity": by_shares(found.value, found.shares, label)}
