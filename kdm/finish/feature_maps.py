"""Features f(x) (n, d) of pictures, through which gradients pass to the pictures.

What a metric sees is bytes; here values are clipped to the same range and not rounded, since a rounded
value has no gradient.
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from kdm.finish.feature_types import FeatureRows
from kdm.losses.features import FeatureNetwork, Features
from kdm.metrics.views import PictureInput
from kdm.networks.image_shapes import Images, Maps
from kdm.pretrained import weights_file


class Pooled:
    """The layers of a network of maps, each averaged over the areas of a grid, one after another."""

    def __init__(self, network: FeatureNetwork, grid: int) -> None:
        self._network, self._grid = network, grid

    def __call__(self, pictures: Images) -> FeatureRows:
        """(n, d) of (n, 1 or 3, h, w)."""
        layers = self._network(pictures.float().expand(-1, 3, -1, -1))
        return torch.cat([_averages(layer, self._grid) for layer in layers], dim=1)


class Resized:
    """A network x (n, 3, side, side) → (n, d, …), with how pictures reach it."""

    def __init__(self, network: Callable[[Maps], Tensor], given: PictureInput) -> None:
        self._network, self._given = network, given

    def __call__(self, pictures: Images) -> FeatureRows:
        """(n, d) of (n, 1 or 3, h, w)."""
        values = ((pictures.float() + 1) * 127.5).clip(0, 255)
        size, resize, mean, deviation = self._given
        rows, columns = (
            resizing(side, size, resize).to(values.device) for side in pictures.shape[2:]
        )
        resized = (rows @ values @ columns.T).clip(0, 255).expand(-1, 3, -1, -1)
        middle, width = (values.new_tensor(each)[:, None, None] for each in (mean, deviation))
        found = self._network((resized / 255 - middle) / width)
        if found.ndim < 2 or len(found) != len(pictures):
            raise ValueError(
                f"the network of finish.features gives {list(found.shape)} for {len(pictures)} pictures, "
                "not [n, d]"
            )
        return found.flatten(1).float()


@cache
def resizing(side: int, size: int, resize: Literal["bicubic", "bilinear"]) -> Tensor:
    """R (size, side): torch's antialiased resize of a side is the product with it.

    torch's own is the same sum, but its gradient on a GPU depends on the order of adding.
    """
    one = torch.eye(side)[None, None]
    return F.interpolate(one, (size, side), mode=resize, antialias=True, align_corners=False)[0, 0]


def scripted(name: str, device: torch.device) -> Any:
    """The TorchScript network of a file of the weights folder, frozen; a ValueError that names it."""
    path = weights_file(name, of="finish", otherwise="choose other finish.features")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript itself
            read: Any = torch.jit.load  # untyped
            network = read(path, map_location=device)
    except RuntimeError as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(
            f"{path} isn't a TorchScript network ({reason[:120]}); choose other finish.features"
        ) from error
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.eval()


def _averages(layer: Features, grid: int) -> FeatureRows:
    """(n, c · grid²) of (n, c, h, w): the mean of each area, whose sides are h // grid and w // grid."""
    sides = layer.shape[2] // grid, layer.shape[3] // grid
    return F.avg_pool2d(layer, sides)[:, :, :grid, :grid].flatten(1)
