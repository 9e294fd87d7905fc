"""Pickles with the opcode stream of EDM's snapshots, of stand-in classes under the same names.

The layers are those of a small network of either architecture, with tensors of any shape: a reader
looks at names and geometry, never at what a network computes.
"""

import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

PRECONDITIONERS = ("EDMPrecond", "VPPrecond", "VEPrecond", "iDDPMPrecond")
SONG = {"model_type": "SongUNet", "resample_filter": [1, 1], "embedding_type": "positional"}
NCSN = {"model_type": "SongUNet", "resample_filter": [1, 3, 3, 1], "embedding_type": "fourier"}
ADM = {"model_type": "DhariwalUNet"}
ARCHITECTURES: dict[str, dict[str, Any]] = {"ddpmpp": SONG, "ncsnpp": NCSN, "adm": ADM}
SOURCE = "raise SystemExit('a source was executed')\n" * 900  # as long as a genuine one
_LAYERS = {
    "map_noise": "FourierEmbedding",
    "norm": "GroupNorm",
    "aux_norm": "GroupNorm",
    "out_norm": "GroupNorm",
    "map": "Linear",
    "affine": "Linear",
}


def reconstruct(meta: dict[str, Any]) -> None:
    raise AssertionError("a checkpoint was unpickled")


reconstruct.__module__ = "torch_utils.persistence"
reconstruct.__name__ = reconstruct.__qualname__ = "_reconstruct_persistent_obj"


class EasyDict(dict):
    """A dict under the name of EDM's, in which others keep settings when they save a network again."""


EasyDict.__module__ = "dnnlib.util"
STAND_INS: dict[str, dict[str, Any]] = {
    "torch_utils": {},
    "dnnlib": {},
    "torch_utils.persistence": {"_reconstruct_persistent_obj": reconstruct},
    "dnnlib.util": {"EasyDict": EasyDict},
}


@contextmanager
def importable() -> Iterator[None]:
    """While pickling, and only then, the function and the class are found under their names."""
    found = {name: types.ModuleType(name) for name in STAND_INS}
    for name, module in found.items():
        vars(module).update(STAND_INS[name])
    sys.modules |= found
    try:
        yield
    finally:
        for name in found:
            del sys.modules[name]


class Persistent(torch.nn.Module):
    """A module that pickles as a call with its class, its source and its attributes."""

    def __init__(self, class_name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self._class_name, self._init_args, self._init_kwargs = class_name, args, kwargs

    def __reduce__(self) -> tuple[Any, ...]:
        state = {key: value for key, value in self.__dict__.items() if key != "_class_name"}
        meta = {"type": "class", "version": 6, "module_src": SOURCE}
        return reconstruct, ({**meta, "class_name": self._class_name, "state": state},)


def network(precond: str, settings: dict[str, Any], tensors: dict[str, np.ndarray]) -> Persistent:
    """Modules for the names of a state dict, as EDM nests them."""
    kwargs = {"img_resolution": 8, "img_channels": 3, "label_dim": 10, "dropout": 0.13, **settings}
    outer: Any = Persistent(precond, **kwargs)  # torch types its attributes as tensors and modules
    outer.img_resolution, outer.sigma_min, outer.sigma_max = 8, 0.0, float("inf")
    inner = {key: value for key, value in settings.items() if key != "model_type"}
    inner = {"img_resolution": 8, "in_channels": 3, "out_channels": 3, **inner}
    outer.model = Persistent(settings["model_type"], **inner)
    if "model.map_augment.weight" not in tensors:
        outer.model.map_augment = None
    if "model.map_noise.freqs" not in tensors:
        outer.model.map_noise = Persistent("PositionalEmbedding", num_channels=4)
    for name, array in tensors.items():
        _place(outer, name, torch.from_numpy(array))
    return outer.eval().requires_grad_(False)


def _place(module: torch.nn.Module, name: str, tensor: torch.Tensor) -> None:
    *path, leaf = name.split(".")
    for depth, part in enumerate(path):
        if part not in module._modules:
            module.add_module(part, _layer(part, path[: depth + 1]))
        module = module.get_submodule(part)
    if leaf in ("u", "freqs", "resample_filter"):
        module.register_buffer(leaf, tensor)
    else:
        module.register_parameter(leaf, torch.nn.Parameter(tensor))


def _layer(part: str, path: list[str]) -> torch.nn.Module:
    if part in ("enc", "dec"):
        return torch.nn.ModuleDict()
    if len(path) == 3 and ("block" in part or part.endswith(("_in0", "_in1", "_up", "_down"))):
        block: Any = Persistent("UNetBlock", in_channels=4, skip_scale=np.sqrt(0.5))
        block.skip_scale, block.adaptive_scale = np.sqrt(0.5), False
        return block
    stem = part.rstrip("0123456789")
    stem = part.split("_", 1)[1] if part[0].isdigit() else stem
    kind = _LAYERS.get(part, _LAYERS.get(stem, "Linear" if part[:4] == "map_" else "Conv2d"))
    layer = Persistent(kind, in_channels=4, out_channels=4, init_weight=np.sqrt(1 / 3))
    layer.register_buffer("resample_filter", None)
    return layer


def small_tensors(precond: str, architecture: str) -> dict[str, np.ndarray]:
    """Of a network of two levels, in state-dict order."""
    draw = np.random.RandomState(len(architecture))
    names = ["u"] if precond == "iDDPMPrecond" else []
    names += ["model.map_noise.freqs"] if architecture == "ncsnpp" else []
    names += [f"model.map_{layer}" for layer in ("label.weight", "layer0.weight", "layer0.bias")]
    names += ["model.enc.8x8_conv.weight", "model.enc.8x8_conv.bias"]
    names += _block("model.enc.8x8_block0") + _block("model.enc.4x4_down", resampled=True)
    names += [*_block("model.dec.4x4_in0"), "model.dec.8x8_aux_norm.weight"]
    sides = {"weight": (4, 4, 3, 3), "resample_filter": (1, 1, 2, 2)}
    shapes = {name: sides.get(name.rpartition(".")[2], (4,)) for name in names}
    return {name: draw.standard_normal(shape).astype("f4") for name, shape in shapes.items()}


def _block(prefix: str, *, resampled: bool = False) -> list[str]:
    layers = ["norm0", "conv0", "affine", "norm1", "conv1", "skip", "norm2", "qkv", "proj"]
    names = [f"{prefix}.{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    where = names.index(f"{prefix}.conv0.bias") + 1
    return names[:where] + [f"{prefix}.conv0.resample_filter"] * resampled + names[where:]


def write_snapshot(path: Path, snapshot: Any, *, protocol: int = 4) -> Path:
    with importable(), path.open("wb") as file:
        pickle.dump(snapshot, file, protocol=protocol)
    return path


NEWER = (  # of a module's attributes: those that torch 1.7 did not have
    "_is_full_backward_hook",
    "_backward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


def as_of_torch_1(net: torch.nn.Module) -> torch.nn.Module:
    """The network with the attributes that its modules had before torch 2, in ordered dicts."""
    for module in net.modules():
        for name in NEWER:
            module.__dict__.pop(name, None)
        for name in ("_parameters", "_buffers", "_modules"):
            module.__dict__[name] = OrderedDict(module.__dict__[name])
    return net


def snapshot_of(net: Persistent) -> dict[str, Any]:
    """What training writes beside the network."""
    loss, augment = Persistent("EDMLoss", sigma_data=0.5), Persistent("AugmentPipe", p=0.12)
    settings = {"class_name": "training.dataset.ImageFolderDataset", "use_labels": True}
    return {"ema": net, "loss_fn": loss, "augment_pipe": augment, "dataset_kwargs": settings}


def small_pickle(path: Path, precond: str = "EDMPrecond", architecture: str = "ddpmpp") -> Path:
    tensors = small_tensors(precond, architecture)
    net = network(precond, ARCHITECTURES[architecture], tensors)
    return write_snapshot(path, snapshot_of(net))
