"""The Fréchet distance over any network's features, DINOv2's for example (Stein et al. 2023, FD-DINOv2).

Inception was trained on ImageNet's classes and misses what people see in faces; a self-supervised network
ranks generators as people do (ibid.). The network is a TorchScript file of the user's, so the number is
named for it in the protocol: file, sha256, number of features and how pictures go in.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.metrics.bootstrap import Estimate
from kdm.metrics.metric import Meaning
from kdm.metrics.network_metric import FrechetMetric
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import PictureInput, Sight, View

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of values in 0 … 1


class FdFeatures(FrechetMetric):
    """As published for DINOv2 by default: 224 pixels a side, bicubic, ImageNet's mean and deviation."""

    plugin: ClassVar[str] = "fd-features"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "fd_features": Meaning(
            label="FD of features",
            explanation="Fréchet distance to real pictures over the features of the network that the "
            "protocol names; fewer samples are further away",
            better="lower",
            measured_on="fresh",
        )
    }

    # A file in the weights folder: a network x [n, 3, size, size] → features [n, d].
    network: str = Field("dinov2_vitl14.pt", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    size: int = Field(224, ge=8, le=1_024)  # pixels a side
    resize: Literal["bicubic", "bilinear"] = "bicubic"  # torch's, with antialiasing
    mean: tuple[float, float, float] = _IMAGENET[0]  # taken from values in 0 … 1
    deviation: tuple[float, float, float] = _IMAGENET[1]  # by which they are divided then

    @property
    def view(self) -> View:
        """The file with all that is said of its input."""
        given = PictureInput(self.size, self.resize, self.mean, self.deviation)
        return View(self.network, "own", given)

    def of(
        self, samples: EvaluationSamples, sight: Sight, label: NDArray[np.int64] | None
    ) -> dict[str, Estimate]:
        """A squared distance between features [n, d]; `label` is [n]."""
        return {"fd_features": self.distance(samples, sight, label)}
