"""FID: the Fréchet distance of Inception's features to real pictures' (Heusel et al. 2017).

`mode` is clean-fid's word for how pictures reach 299×299; the formula is `frechet`'s.
"""

from collections.abc import Mapping
from typing import ClassVar

from kdm.metrics.bootstrap import Estimate, by_shares
from kdm.metrics.metric import Meaning
from kdm.metrics.network_metric import FrechetMetric
from kdm.metrics.samples import EvaluationSamples


class Fid(FrechetMetric):
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

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """A squared distance between features."""
        found = self.to_real(samples).compared(self.features(samples))
        return {"fid": by_shares(found.value, found.shares, samples.fresh_label)}
