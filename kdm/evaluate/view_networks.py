"""The network of a view, from its file in the weights folder."""

from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.evaluate.any_network import AnyNetwork
from kdm.evaluate.feature_network import FeatureNetwork
from kdm.evaluate.pytorch_fid_network import PytorchFidNetwork
from kdm.metrics.views import Mode, View
from kdm.pretrained import weights_folder


class Network(Protocol):
    """What looks at pictures."""

    num_features: int  # d

    def look(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[n, d], or with probabilities [n, d + classes], of bytes [n, 1 or 3, H, W]."""


def network_of(view: View, *, device: torch.device | None = None) -> Network:
    """Raises a ValueError that names the file if it isn't what the view needs."""
    path = weights_folder() / view.network
    if view.given is not None:
        return AnyNetwork(path, view.given, device=device)
    if view.mode == "legacy_pytorch":
        return PytorchFidNetwork(path, device=device)
    return FeatureNetwork(path, cast(Mode, view.mode), device=device)
