"""Files as the published code writes its students: whole modules under its classes' names, and state dicts.

The weights are those of a student of this project, so what a file samples is known.
"""

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kdm.published.student_options import schema_of, student_of
from kdm.published.tensor_names import to_published
from kdm.students.koopman_student import KoopmanStudent

SMALL = {
    "img_resolution": 16,
    "in_channels": 3,
    "out_channels": 1,
    "label_dim": 0,
    "model_channels": 8,
    "channel_mult": [1, 2],
    "num_blocks": 1,
    "attn_resolutions": [8],
    "dropout": 0.1,
    "noisy_latent": 0.4,
    "rec_loss_type": "L2",
    "initial_noise_factor": 80,
    "cond_type": "Uncond",
    "koopman_loss_type": "NoLoss",
    "linear_proj": None,
}
LABELLED = {"label_dim": 3, "cond_type": "KoopmanMatrixAddition"}


class Layer(nn.Module):
    """Any layer of a U-Net, and the operators."""


class UNetBlock(nn.Module):
    """A block, with the scalar of numpy that it keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.skip_scale = np.sqrt(0.5)


class SongUNet(nn.Module):
    """A coder."""


class KDM(nn.Module):
    """The outermost, with the network of its distance and the targets of its eigenvalues."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        vars(self).update(settings)
        self.lpips = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AvgPool2d(2))
        self.uniform_vec = torch.rand(8, dtype=torch.complex64)


NAMED = {
    "models": (),
    "models.basic_modules": (Layer, UNetBlock, SongUNet),
    "models.koopman_model": (KDM,),
}


def student(*, is_factorised: bool = False, **changed: Any) -> KoopmanStudent:
    """A small one with weights that all do something."""
    keywords = {**SMALL, **changed}
    torch.manual_seed(0)
    made = student_of(keywords, is_factorised=is_factorised).build(schema_of(keywords))
    assert isinstance(made, KoopmanStudent)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made.eval().requires_grad_(False)


def state_of(made: KoopmanStudent) -> dict[str, Tensor]:
    return to_published(made.state_dict(), has_linear=made.encoder_T.linear is not None)


def module_of(made: KoopmanStudent, **settings: Any) -> KDM:
    """Modules for the names of a state dict, as the published code nests them."""
    outer = KDM(**{"initial_noise_factor": 80, "cond_type": "Uncond", **settings})
    for name, tensor in state_of(made).items():
        *path, leaf = name.split(".")
        here: nn.Module = outer
        for part in path:
            if part not in here._modules:
                here.add_module(part, _layer(part))
            here = here._modules[part]
        if leaf == "resample_filter":
            here.register_buffer(leaf, tensor)
        else:
            here.register_parameter(leaf, nn.Parameter(tensor))
    return outer.eval().requires_grad_(False)


def write_module(path: Path, module: nn.Module) -> Path:
    with importable():
        torch.save(module, path)
    return path


@contextmanager
def importable() -> Iterator[None]:
    """While saving, and only then, the classes are found under the published names."""
    found = {name: types.ModuleType(name) for name in NAMED}
    for name, classes in NAMED.items():
        for each in classes:
            each.__module__ = name
            setattr(found[name], each.__name__, each)
    sys.modules |= found
    try:
        yield
    finally:
        for name in found:
            del sys.modules[name]


def _layer(part: str) -> nn.Module:
    if part in ("enc", "dec"):
        return nn.ModuleDict()
    if part.endswith(("encoder", "decoder", "main_module")):
        return SongUNet()
    return UNetBlock() if part[0].isdigit() and not part.endswith("conv") else Layer()
