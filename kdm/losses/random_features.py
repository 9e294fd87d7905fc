"""A perceptual distance that needs no file: unit features of random convolutions.

That untrained networks of this kind order distortions better than pixels do is in Amir & Weiss 2021.
It is not LPIPS, and its numbers compare with none of LPIPS.
"""

from pydantic import Field

from kdm.losses.features import FeatureDistance, FeatureNetwork
from kdm.torch_types import device as Device


class RandomFeatures(FeatureDistance):
    """3×3 convolutions and ReLUs, each after the first on half the pixels and twice as wide."""

    plugin = "random-features"

    seed: int = Field(0, ge=0, lt=2**32)
    width: int = Field(32, ge=1, le=1024)  # channels of the first layer
    num_layers: int = Field(3, ge=1, le=6)

    @property
    def smallest_side(self) -> int:
        """So that the last layer has 2×2 positions or more."""
        return int(2**self.num_layers)

    def network(self, device: Device) -> FeatureNetwork:
        """The same on every machine, to rounding."""
        from kdm.losses.random_network import network  # torch: only who compares waits for it

        return network(self, device)

    @property
    def _remedy(self) -> str:
        return "set its num_layers to fewer"
