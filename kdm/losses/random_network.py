"""Random convolutions, whose unit features tell distortions apart (Amir & Weiss 2021)."""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.losses.features import Features, unit
from kdm.losses.random_features import RandomFeatures
from kdm.networks.image_shapes import Images

# Standard deviation of biases. Without any, a picture of half the contrast has the same features.
_BIAS = 0.3


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
def network(options: RandomFeatures, device: torch.device) -> _RandomNetwork:
    """The frozen network of these options on a device."""
    return _RandomNetwork(options).to(device)


def _float32(numbers: object) -> Tensor:
    return torch.from_numpy(np.asarray(numbers, np.float32))
