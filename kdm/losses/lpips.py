"""LPIPS (Zhang et al. 2018): distances of a classifier's features, weighted as people judge.

Published students are trained by VGG with average pooling at the pictures' own size (kdm.md 1.7);
the `lpips` package has max pooling.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kdm.losses.features import FeatureDistance, FeatureNetwork, Features, unit
from kdm.losses.lpips_weights import LpipsNet, head_weights, trunk_with
from kdm.networks.image_shapes import Images, Maps
from kdm.pretrained import weights_file

# By net: torchvision's file, and the smallest side that its pools leave something of.
_TRUNKS: dict[LpipsNet, tuple[str, int]] = {
    "vgg": ("vgg16-397923af.pth", 16),
    "alex": ("alexnet-owt-7be5be79.pth", 31),
    "squeeze": ("squeezenet1_1-b8a52dc0.pth", 17),
}
_OTHERWISE = "choose distance: {plugin: random-features}, which needs no file"
# ImageNet's mean and deviation, for pictures of −1 … 1: 2 · mean − 1 and 2 · deviation.
_MEAN = (-0.030, -0.088, -0.188)
_DEVIATION = (0.458, 0.448, 0.450)


class Lpips(FeatureDistance):
    """By default as published for KDM; pictures must be of −1 … 1 and not rescaled."""

    plugin = "lpips"

    net: LpipsNet = "vgg"
    pooling: Literal["average", "max"] = "average"
    # Pixels a side that pictures are brought to, bilinearly (224: as the nets were trained).
    resize: int | None = Field(None, ge=32, le=1024)
    # The net's weights, a file in the weights folder, in place of torchvision's. Its name ends in
    # the first digits of its sha256, so that the name of a student depends on what it holds.
    trunk: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{8}\.pth$")

    @property
    def smallest_side(self) -> int:
        """Of pictures that are not resized, by their net."""
        return 1 if self.resize else _TRUNKS[self.net][1]

    def require_shape(self, shape: tuple[int, ...], scale: float) -> None:
        """Raise a ValueError where pictures do not suit it, or a package or a file is missing."""
        super().require_shape(shape, scale)
        if scale != 1:
            raise ValueError(
                f"distance 'lpips' sees pictures of −1 … 1, and data_scale is {scale}; set it to 1"
            )
        self.weights_file()
        head_weights(self.net)

    def network(self, device: torch.device) -> FeatureNetwork:
        """The trunk and its weights of channels; a ValueError where there are none."""
        return _network(self, device)

    def weights_file(self) -> Path:
        """Of the trunk, sound; a ValueError says how to get it, or the package that reads it."""
        if find_spec("lpips") is None or find_spec("torchvision") is None:
            raise ValueError(
                "distance 'lpips' needs the packages lpips and torchvision; pip install "
                f"'kdm-offline[images]', or {_OTHERWISE}"
            )
        name = self.trunk or _TRUNKS[self.net][0]
        return weights_file(name, of=f"distance 'lpips' with net {self.net}", otherwise=_OTHERWISE)

    @property
    def _remedy(self) -> str:
        return f"set its resize to 224, or {_OTHERWISE}"


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
def _network(options: Lpips, device: torch.device) -> _LpipsNetwork:
    file, has_max_pooling = options.weights_file(), options.pooling == "max"
    trunk = trunk_with(options.net, file, has_max_pooling=has_max_pooling)
    network = _LpipsNetwork(trunk, head_weights(options.net), options.resize)
    network.to(device).eval().requires_grad_(False)
    if device.type == "cuda":  # the order in which tensor cores read pixels
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
