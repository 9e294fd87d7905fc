"""Distances between what a frozen network makes of pictures (Zhang et al. 2018, Eq. 1).

d(x, y) = Σ_l mean over samples and positions of ‖f_l(x) − f_l(y)‖², where f_l are unit vectors of
layer l times weights for its channels.
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

# Under the root of a norm, so that its gradient is finite at 0. It changes norms above 0.1 by 1e-8.
NORM_EPSILON = 1e-10


class FeatureDistance(Distance, ABC):
    """Its network never learns: gradients pass it on their way to the prediction."""

    @property
    @abstractmethod
    def smallest_side(self) -> int:
        """Of a picture, in pixels, that still has positions in the last layer."""

    @abstractmethod
    def network(self, device: Device) -> FeatureNetwork:
        """The frozen network, built once for a device."""

    def require_shape(self, shape: tuple[int, ...], scale: float) -> None:
        """Raise a ValueError unless samples are pictures, grey or colour, and large enough."""
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
        """d of pictures of −1 … 1, grey ones taken for coloured; nothing is clipped."""
        return self.distances([prediction], target)[0]

    def distances(self, predictions: Sequence[AnyNumber], target: Samples) -> list[Scalar]:
        """All predictions pass the network as one batch, the target once and by itself."""
        import torch  # as late as can be: recipes name distances

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
    """v / sqrt(‖v‖² + ε) at every position, in float32; 0 stays 0, with a finite gradient.

    Published is v / (‖v‖ + ε), whose gradient at 0 is none.
    """
    v = features.float()
    return v * (v.square().sum(dim=1, keepdim=True) + NORM_EPSILON).rsqrt()


def _squared(found: Sequence[Features], wanted: Sequence[Features]) -> Scalar:
    layers = [
        (a - b[: len(a)]).square().sum(dim=1).mean() for a, b in zip(found, wanted, strict=True)
    ]
    import torch

    return torch.stack(layers).sum()


def _coloured(images: Images) -> Maps:
    return images.expand(-1, 3, -1, -1)
