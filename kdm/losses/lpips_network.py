"""The network of LPIPS: unit features, weighted as people judge (Zhang et al. 2018, Eq. 1).

    f_l(x) = √w_l ⊙ unit(activations of layer l),   so that   ‖f_l(x) − f_l(y)‖² = Σ_c w_lc (…)²

The weights w_l ≥ 0 of the channels were fitted to human judgements ("lin" of LPIPS v0.1).
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.losses.features import Features, unit
from kdm.losses.lpips_trunks import LpipsNet
from kdm.losses.lpips_weights import head_weights, trunk_with
from kdm.networks.image_shapes import Images, Maps

# ImageNet's mean and deviation, for pictures of −1 … 1: 2 · mean − 1 and 2 · deviation.
_MEAN = (-0.030, -0.088, -0.188)
_DEVIATION = (0.458, 0.448, 0.450)


class _LpipsNetwork(nn.Module):
    """f_l by layer: unit features times the roots of the channels' weights.

    ImageNet's normalisation comes first, with constants for pictures of −1 … 1.
    """

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
        """Pictures (n, 3, h, w) to f_l (n, c_l, h_l, w_l) of every layer, finest first."""
        layers = self.trunk((self._resized(images) - self.mean) / self.deviation)
        roots = [self.get_buffer(f"roots_{layer}") for layer in range(self._num_layers)]
        return [root * unit(layer) for root, layer in zip(roots, layers, strict=True)]

    def _resized(self, images: Images) -> Maps:
        if self._resize is None:
            return images
        return F.interpolate(images, size=self._resize, mode="bilinear", align_corners=False)


def lpips_network(
    net: LpipsNet,
    file: Path | None,
    *,
    has_max_pooling: bool,
    resize: int | None,
    device: torch.device,
) -> nn.Module:
    """The frozen network f_l of a trunk's weights file, on a device; None: on the meta device alone.

    `resize` is the side in pixels that pictures are brought to, or None for their own. Called with
    pictures (n, 3, h, w) of −1 … 1 it gives one (n, c_l, h_l, w_l) for each of its layers, all
    float32. Raises a ValueError if the file holds another network's weights.
    """
    trunk = trunk_with(net, file, has_max_pooling=has_max_pooling)
    built = _LpipsNetwork(trunk, head_weights(net), resize)
    built.to(device).eval().requires_grad_(False)
    if device.type == "cuda":  # the order in which tensor cores read pixels
        built.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return built
