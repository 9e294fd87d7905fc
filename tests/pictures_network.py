"""A tiny TorchScript network of pictures, with weights drawn once: features of a picture, and no more."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn


class Patches(nn.Module):
    """Means and largest values of a few filters over a picture, [n, 32]."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.register_buffer("weight", torch.randn(16, 3, 4, 4, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        found = torch.conv2d(x, self.weight, stride=4)
        return torch.cat([found.mean((2, 3)), found.amax((2, 3))], dim=1)


def write_pictures_network(path: Path, seed: int = 0) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(Patches(seed)).save(str(path))
