"""LPIPS (Zhang et al. 2018): distances of a classifier's features, weighted as people judge.

Published students are trained by VGG with average pooling at the pictures' own size (kdm.md 1.7);
the `lpips` package has max pooling.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field

from kdm.losses.features import FeatureDistance, FeatureNetwork
from kdm.pretrained import weights_file
from kdm.torch_types import device as Device

LpipsNet = Literal["vgg", "alex", "squeeze"]

# By net: torchvision's file, and the smallest side that its pools leave something of.
_TRUNKS: dict[LpipsNet, tuple[str, int]] = {
    "vgg": ("vgg16-397923af.pth", 16),
    "alex": ("alexnet-owt-7be5be79.pth", 31),
    "squeeze": ("squeezenet1_1-b8a52dc0.pth", 17),
}
_OTHERWISE = "choose distance: {plugin: random-features}, which needs no file"


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
        from kdm.losses.lpips_weights import head_weights

        head_weights(self.net)

    def network(self, device: Device) -> FeatureNetwork:
        """The trunk and its weights of channels; a ValueError where there are none."""
        from kdm.losses.lpips_network import network  # torch: only who compares waits for it

        return network(self, device)

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
