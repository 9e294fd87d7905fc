"""A perceptual distance that needs no file: unit features of random convolutions.

Untrained convolutional networks order distortions better than pixels do (Amir and Weiss 2021,
"Understanding and simplifying perceptual distances"). It isn't LPIPS: don't compare its numbers with
LPIPS's.
"""

from functools import lru_cache

from pydantic import Field

from kdm.losses.features import FeatureDistance, FeatureNetwork
from kdm.torch_types import device as Device


class RandomFeatures(FeatureDistance):
    """3×3 convolutions and ReLUs; each layer after the first has half the side and twice the channels."""

    plugin = "random-features"

    seed: int = Field(0, ge=0, lt=2**32)  # of the weights, which nothing trains
    width: int = Field(32, ge=1, le=1024)  # channels of the first layer
    num_layers: int = Field(3, ge=1, le=6)  # convolutions

    @property
    def smallest_side(self) -> int:
        """2^num_layers pixels: the last layer then has 2×2 positions or more."""
        return int(2**self.num_layers)

    def network(self, device: Device) -> FeatureNetwork:
        """The network that `seed` gives, the same on every machine; the last four are kept."""
        return _network(self, device)

    @property
    def _remedy(self) -> str:
        return "set its num_layers to fewer"


@lru_cache(maxsize=4)
def _network(options: RandomFeatures, device: Device) -> FeatureNetwork:
    from kdm.losses.random_network import RandomNetwork  # torch: imported only to compare

    built = RandomNetwork(options.seed, width=options.width, num_layers=options.num_layers)
    return built.to(device)
