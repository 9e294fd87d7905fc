"""Distances between what a frozen network makes of pictures (Zhang et al. 2018, Eq. 1).

    d(x, y) = Σ_l mean over samples and positions of ‖f_l(x) − f_l(y)‖²

where f_l(x) (n, c_l, h_l, w_l) are the activations of layer l, brought to unit length over the channels
at each position and scaled by a weight for each channel. Pixels that moved a little or changed their
brightness cost less than they do in L2, and blur costs more, as it does to people.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from jaxtyping import Float

from kdm.losses.distances import Distance
from kdm.networks.image_shapes import Images, Maps
from kdm.shapes import AnyNumber, Samples, Scalar
from kdm.torch_types import Tensor
from kdm.torch_types import device as Device

Features = Float[Tensor, "_ _ _ _"]  # [n, channels, height, width], of any layer
FeatureNetwork = Callable[[Images], list[Features]]  # of 3 channels; f_l by layer

# Under the root of a norm, so that its gradient is finite at 0. It changes norms above 0.1 by less than 1e-8.
NORM_EPSILON = 1e-10


class FeatureDistance(Distance, ABC):
    """A distance with a network that never learns: gradients only pass it, towards the prediction.

    Subclasses say which network it is, and how small a picture it can take.
    """

    @property
    @abstractmethod
    def smallest_side(self) -> int:
        """The least side of a picture, in pixels, of which the last layer still has a position."""

    @abstractmethod
    def network(self, device: Device) -> FeatureNetwork:
        """The frozen network on a device; built at the first call and kept.

        Raises a ValueError if a file of weights, or the package that reads it, is missing.
        """

    def require_shape(self, shape: tuple[int, ...], scale: float) -> None:
        """Raise a ValueError unless samples are pictures (1 or 3, h, w), large enough for the network."""
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise ValueError(
                f"distance '{self.plugin}' compares pictures [1 or 3, H, W], and samples have shape "
                f"{shape}; choose distance: {{plugin: l2}}"
            )
        if min(shape[1:]) < self.smallest_side:
            raise ValueError(
                f"distance '{self.plugin}' needs pictures of {self.smallest_side} pixels a side, and "
                f"these have {min(shape[1:])}; {self._remedy}"
            )

    def distance(self, prediction: Samples, target: Samples) -> Scalar:
        """d of pictures (n, c, h, w) of −1 … 1; grey ones get three equal channels, nothing is clipped."""
        return self.distances([prediction], target)[0]

    def distances(self, predictions: Sequence[AnyNumber], target: Samples) -> list[Scalar]:
        """d of each prediction: all of them pass the network as one batch, and the target once."""
        import torch  # imported late: recipes name distances, and need no torch

        sizes = [len(each) for each in predictions]
        network = self.network(target.device)
        wanted = network(_coloured(target[: max(sizes)]))
        layers = [
            torch.split(layer, sizes) for layer in network(_coloured(torch.cat([*predictions])))
        ]
        return [_squared(found, wanted) for found in zip(*layers, strict=True)]

    @property
    def _remedy(self) -> str:
        return "choose distance: {plugin: l2}"


def unit(features: Images) -> Images:
    """v / sqrt(‖v‖² + ε) at every position of maps (n, c, h, w), float32; 0 stays 0.

    LPIPS as published divides by ‖v‖ + ε, whose gradient at v = 0 is NaN. There the ReLU in front
    masks it; here the gradient is finite by itself.
    """
    v = features.float()
    return v * (v.square().sum(dim=1, keepdim=True) + NORM_EPSILON).rsqrt()


def _squared(found: Sequence[Features], wanted: Sequence[Features]) -> Scalar:
    """Σ_l mean ‖·‖² over the layers of k samples and of the first k of the wanted ones."""
    layers = [
        (a - b[: len(a)]).square().sum(dim=1).mean() for a, b in zip(found, wanted, strict=True)
    ]
    import torch

    return torch.stack(layers).sum()


def _coloured(images: Images) -> Maps:
    return images.expand(-1, 3, -1, -1)
