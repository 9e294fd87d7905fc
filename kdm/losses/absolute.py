"""The mean absolute difference, with which GET was trained (Geng et al. 2023, kdm.md 2)."""

from kdm.losses.distances import Distance
from kdm.shapes import Samples, Scalar


class L1(Distance):
    """Over samples and values."""

    plugin = "l1"

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """mean |prediction − target|."""
        return (prediction - target).abs().mean()
