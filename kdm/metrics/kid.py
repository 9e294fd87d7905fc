"""KID: the kernel distance of Inception's features to real pictures' (Bińkowski et al. 2018).

Unlike FID it has no bias, so it compares sets of few samples; the formula is `kernel_distance`'s.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.metrics.bootstrap import Estimate, by_shares
from kdm.metrics.kernel_distance import kernel_distance, require_two
from kdm.metrics.metric import Meaning
from kdm.metrics.network_metric import InceptionMetric, SplitMetric
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import Sight


class Kid(InceptionMetric, SplitMetric):
    """KID of samples from fresh noise; the real pictures are taken as fixed."""

    plugin: ClassVar[str] = "kid"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "kid": Meaning(
            label="KID",
            explanation="kernel distance to real pictures over Inception's features, without bias at "
            "any number of samples; it may be below 0 by chance",
            better="lower",
            measured_on="fresh",
        )
    }

    num_subsets: int = Field(100, ge=1)  # as torch-fidelity, torchmetrics and clean-fid
    subset_size: int = Field(1_000, ge=2)  # pictures of a subset
    seed: int = Field(2020, ge=0, le=2**32 - 1)  # of the subsets; torch-fidelity's

    def require_samples(self, count: int, num_features: int) -> None:
        """A ValueError if there are no two."""
        require_two(count)

    def of(
        self, samples: EvaluationSamples, sight: Sight, label: NDArray[np.int64] | None
    ) -> dict[str, Estimate]:
        """A squared distance in the kernel's space, often printed times 1,000; `label` is [n]."""
        found = kernel_distance(
            sight.features,
            self.real_features(samples),
            num_subsets=self.num_subsets,
            subset_size=self.subset_size,
            seed=self.seed,
        )
        return {"kid": by_shares(found.value, found.shares, label)}
