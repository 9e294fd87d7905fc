"""Random convolutions whose unit features tell distortions apart (Amir and Weiss 2021).

    a_1 = ReLU(W_1 ∗ x + b_1);   a_l = ReLU(W_l ∗ pool(a_{l−1}) + b_l);   f_l = unit(a_l) / √L

for l = 1 … L, with 2×2 average pooling and 3×3 kernels of variance 2 / (9 c_in), which keeps the size of
activations through ReLUs (He et al. 2015).
"""

import math
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.losses.features import Features, unit
from kdm.networks.image_shapes import Images

# Standard deviation of biases. Without any, a picture of half the contrast has the same features.
_BIAS = 0.3


class RandomNetwork(nn.Module):
    """f_l by layer; the factor 1/√L makes the sum of squared distances a mean over layers.

    Weights are buffers, not parameters: nothing here learns.
    """

    def __init__(self, seed: int, *, width: int, num_layers: int) -> None:
        super().__init__()
        # numpy froze this stream; torch may change its own.
        random = np.random.RandomState(seed)
        widths = [3] + [width * 2**layer for layer in range(num_layers)]
        self._scale = 1 / math.sqrt(num_layers)
        for layer, (num_in, num_out) in enumerate(pairwise(widths)):
            deviation = math.sqrt(2 / (9 * num_in))  # He et al. 2015, before a ReLU
            weights = deviation * random.standard_normal((num_out, num_in, 3, 3))
            self.register_buffer(f"weights_{layer}", _float32(weights))
            biases = _BIAS * random.standard_normal(num_out)
            self.register_buffer(f"biases_{layer}", _float32(biases))

    def forward(self, images: Images) -> list[Features]:
        """Pictures (n, 3, h, w) to f_l (n, c_l, h_l, w_l) of every layer, finest first."""
        x, features = images, list[Features]()
        weights_and_biases = list(self.buffers())
        for weights, biases in zip(weights_and_biases[::2], weights_and_biases[1::2], strict=True):
            x = F.relu(F.conv2d(F.avg_pool2d(x, 2) if features else x, weights, biases, padding=1))
            features.append(self._scale * unit(x))
        return features


def _float32(numbers: object) -> Tensor:
    return torch.from_numpy(np.asarray(numbers, np.float32))
