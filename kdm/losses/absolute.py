"""The mean absolute difference, the loss of the published GET (Geng et al. 2023)."""

from kdm.losses.distances import Distance
from kdm.shapes import Samples, Scalar


class L1(Distance):
    """mean |e| over samples and values: less drawn to outliers than the mean square."""

    plugin = "l1"

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """mean |prediction − target|."""
        return (prediction - target).abs().mean()
