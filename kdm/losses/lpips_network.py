"""The network of LPIPS: unit features, weighted as people judge (Zhang et al. 2018)."""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.losses.features import Features, unit
from kdm.losses.lpips import Lpips
from kdm.losses.lpips_weights import head_weights, trunk_with
from kdm.networks.image_shapes import Images, Maps

# ImageNet's mean and deviation, for pictures of −1 … 1: 2 · mean − 1 and 2 · deviation.
_MEAN = (-0.030, -0.088, -0.188)
_DEVIATION = (0.458, 0.448, 0.450)


class _LpipsNetwork(nn.Module):
    """f_l: unit features times the roots of the weights that people's judgements gave."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, trunk: nn.Module, heads: list[Tensor], resize: int | None) -> None:
        super().__init__()
        self.trunk = trunk
        self._resize = resize
        self.register_buffer("mean", torch.tensor(_MEAN).reshape(3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).reshape(3, 1, 1))
        self._num_layers = len(heads)
        for layer, weights in enumerate(heads):
            self.register_buffer(f"roots_{layer}", weights.sqrt().reshape(-1, 1, 1))

    def forward(self, images: Images) -> list[Features]:
        """Of every layer."""
        layers = self.trunk((self._resized(images) - self.mean) / self.deviation)
        roots = [self.get_buffer(f"roots_{layer}") for layer in range(self._num_layers)]
        return [root * unit(layer) for root, layer in zip(roots, layers, strict=True)]

    def _resized(self, images: Images) -> Maps:
        if self._resize is None:
            return images
        return F.interpolate(images, size=self._resize, mode="bilinear", align_corners=False)


@lru_cache(maxsize=2)  # VGG's trunk takes 59 MB
def network(options: Lpips, device: torch.device) -> _LpipsNetwork:
    """The frozen network of these options on a device."""
    file, has_max_pooling = options.weights_file(), options.pooling == "max"
    trunk = trunk_with(options.net, file, has_max_pooling=has_max_pooling)
    built = _LpipsNetwork(trunk, head_weights(options.net), options.resize)
    built.to(device).eval().requires_grad_(False)
    if device.type == "cuda":  # the order in which tensor cores read pixels
        built.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return built
