"""LPIPS (Zhang et al. 2018): distances of a classifier's features, weighted as people judge.

The paper trains its picture students with d = LPIPS (App. E.1). Its published code takes VGG16 with
average instead of max pooling, at the pictures' own size, and the weights of LPIPS v0.1 ("lin"); so do
the defaults here. The `lpips` package, with which papers report LPIPS, has max pooling.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field

from kdm.losses.features import FeatureDistance, FeatureNetwork
from kdm.losses.lpips_trunks import TRUNKS, LpipsNet
from kdm.pretrained import weights_file
from kdm.torch_types import device as Device

_OTHERWISE = "choose distance: {plugin: random-features}, which needs no file"


class Lpips(FeatureDistance):
    """By default as published for KDM; pictures must be of −1 … 1, that is, `data_scale` must be 1.

    It needs the packages lpips and torchvision and a file of weights, which is never downloaded.
    """

    plugin = "lpips"

    net: LpipsNet = "vgg"  # the classifier whose features are compared
    pooling: Literal["average", "max"] = "average"  # 'max' as the net was trained
    # Pixels a side that pictures are brought to, bilinearly (224: as the nets were trained).
    resize: int | None = Field(None, ge=32, le=1024)
    # A file in the weights folder to use instead of torchvision's. Its name ends in the first digits
    # of its sha256, so that the name of a student depends on what the file holds.
    trunk: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{8}\.pth$")

    @property
    def smallest_side(self) -> int:
        """What the net's pooling layers need; any size will do if pictures are resized."""
        return 1 if self.resize else TRUNKS[self.net].smallest_side

    def require_shape(self, shape: tuple[int, ...], scale: float) -> None:
        """Raise a ValueError for samples it can't compare, another scale, or a missing package or file."""
        super().require_shape(shape, scale)
        if scale != 1:
            raise ValueError(
                f"distance 'lpips' sees pictures of −1 … 1, and data_scale is {scale}; set it to 1"
            )
        self.weights_file()
        from kdm.losses.lpips_weights import head_weights

        head_weights(self.net)

    def network(self, device: Device) -> FeatureNetwork:
        """The trunk with the channels' weights on a device; the last two in use are kept.

        The meta device has shapes without numbers, and needs no file.
        """
        return _network(self, device)

    def weights_file(self) -> Path:
        """The trunk's file of weights, whose digest agrees with its name.

        Raises a ValueError that says how to get the file, or the packages that read it.
        """
        self.require_packages()
        name = self.trunk or TRUNKS[self.net].file
        return weights_file(name, of=f"distance 'lpips' with net {self.net}", otherwise=_OTHERWISE)

    def require_packages(self) -> None:
        """Raise a ValueError if a package that reads the weights isn't installed."""
        if find_spec("lpips") is None or find_spec("torchvision") is None:
            raise ValueError(
                "distance 'lpips' needs the packages lpips and torchvision; pip install "
                f"'kdm-offline[images]', or {_OTHERWISE}"
            )

    @property
    def _remedy(self) -> str:
        return f"set its resize to 224, or {_OTHERWISE}"


@lru_cache(maxsize=2)  # VGG's trunk takes 59 MB
def _network(options: Lpips, device: Device) -> FeatureNetwork:
    from kdm.losses.lpips_network import lpips_network  # torch: imported only to compare

    options.require_packages()
    return lpips_network(
        options.net,
        None if device.type == "meta" else options.weights_file(),
        has_max_pooling=options.pooling == "max",
        resize=options.resize,
        device=device,
    )
