"""A perceptual distance that needs no file: unit features of random convolutions.

That untrained networks of this kind order distortions better than pixels do is in Amir & Weiss 2021.
It is not LPIPS, and its numbers compare with none of LPIPS.
"""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kdm.losses.features import FeatureDistance, FeatureNetwork, Features, unit
from kdm.networks.image_shapes import Images

# Standard deviation of biases. Without any, a picture of half the contrast has the same features.
_BIAS = 0.3


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

    def network(self, device: torch.device) -> FeatureNetwork:
        """The same on every machine, to rounding."""
        return _network(self, device)

    @property
    def _remedy(self) -> str:
        return "set its num_layers to fewer"


class _RandomNetwork(nn.Module):
    """f_l: unit features, whose squared distances add up to their mean over layers."""

    def __init__(self, options: RandomFeatures) -> None:
        super().__init__()
        # numpy froze this stream; torch may change its own.
        random = np.random.RandomState(options.seed)
        widths = [3] + [options.width * 2**layer for layer in range(options.num_layers)]
        self._scale = 1 / math.sqrt(options.num_layers)
        for layer, (num_in, num_out) in enumerate(pairwise(widths)):
            deviation = math.sqrt(2 / (9 * num_in))  # He et al. 2015, before a ReLU
            weights = deviation * random.standard_normal((num_out, num_in, 3, 3))
            self.register_buffer(f"weights_{layer}", _float32(weights))
            biases = _BIAS * random.standard_normal(num_out)
            self.register_buffer(f"biases_{layer}", _float32(biases))

    def forward(self, images: Images) -> list[Features]:
        """Of every layer."""
        x, features = images, list[Features]()
        weights_and_biases = list(self.buffers())
        for weights, biases in zip(weights_and_biases[::2], weights_and_biases[1::2], strict=True):
            x = F.relu(F.conv2d(F.avg_pool2d(x, 2) if features else x, weights, biases, padding=1))
            features.append(self._scale * unit(x))
        return features


@lru_cache(maxsize=4)
def _network(options: RandomFeatures, device: torch.device) -> _RandomNetwork:
    return _RandomNetwork(options).to(device)


def _float32(numbers: object) -> Tensor:
    return torch.from_numpy(np.asarray(numbers, np.float32))
