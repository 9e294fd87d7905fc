"""The classifiers whose features LPIPS compares (Zhang et al. 2018, Sec. 3), by name.

Published students are trained with VGG; the `lpips` package measures with AlexNet by default.
"""

from typing import Literal, NamedTuple

LpipsNet = Literal["vgg", "alex", "squeeze"]


class Trunk(NamedTuple):
    """One classifier: the source of its ImageNet weights, and how small a picture it can read."""

    file: str  # torchvision's, in the weights folder
    smallest_side: int  # pixels, of which its pooling layers leave at least one position


TRUNKS: dict[LpipsNet, Trunk] = {
    "vgg": Trunk("vgg16-397923af.pth", 16),
    "alex": Trunk("alexnet-owt-7be5be79.pth", 31),
    "squeeze": Trunk("squeezenet1_1-b8a52dc0.pth", 17),
}
