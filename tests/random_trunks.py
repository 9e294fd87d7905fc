"""Trunks of LPIPS with small random weights, in the files' published format and under names of their own.

What is measured by them is no LPIPS.
"""

import hashlib
import io
import math
from pathlib import Path

import torch

from kdm.torchvision_import import import_torchvision

_CLASSIFIERS = {"vgg": "vgg16", "alex": "alexnet", "squeeze": "squeezenet1_1"}


def write_trunk(folder: Path, net: str) -> str:
    """The name of a new file, `test-NET-` and the first digits of its sha256."""
    file = io.BytesIO()
    torch.save(random_state(net), file)
    data = file.getvalue()
    name = f"test-{net}-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return name


def random_state(net: str) -> dict[str, torch.Tensor]:
    """A torchvision classifier's features, without its classifier, of which LPIPS has no use."""
    import_torchvision()
    from torchvision import models

    with torch.device("meta"):
        trunk = getattr(models, _CLASSIFIERS[net])(weights=None).features
    shapes = {f"features.{name}": each.shape for name, each in trunk.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    return {name: _random(shape, generator) for name, shape in shapes.items()}


def _random(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    gain = math.sqrt(2 / math.prod(shape[1:])) if len(shape) > 1 else 0.1
    return gain * torch.randn(shape, generator=generator)
