"""A small TorchScript network with the interface of StyleGAN's inception-2015-12-05.pt, and random weights.

What is measured with it is no FID.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.metrics.network_metric import INCEPTION

NUM_FEATURES, NUM_CLASSES = 8, 12


class Network(nn.Module):
    """Features are means over the picture of a few filters and of their squares."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = Layers()
        self.output = nn.Linear(NUM_FEATURES, NUM_CLASSES)

    def forward(
        self, img: Tensor, return_features: bool = False, no_output_bias: bool = False
    ) -> Tensor:
        x = F.interpolate(img.float(), size=(299, 299), mode="bilinear")
        features = self.layers((x - 128) / 128).reshape(-1, 8)
        if return_features:
            return features
        if no_output_bias:
            return F.linear(features, self.output.weight).softmax(1)
        return self.output(features).softmax(1)


class Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv2d(3, NUM_FEATURES, 12, stride=12)

    def forward(self, x: Tensor) -> Tensor:
        return self.filters(x).relu().mean((2, 3), keepdim=True)


def write_network(folder: Path) -> Path:
    """The file, under the published one's name."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Network()
    with torch.no_grad():
        network.output.weight *= 20
    path = folder / INCEPTION
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network.eval()).save(str(path))
    return path


@contextmanager
def weights_with_network(folder: Path) -> Iterator[Path]:
    """$KDM_WEIGHTS with the network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDM_WEIGHTS", str(folder))
        yield write_network(folder)
