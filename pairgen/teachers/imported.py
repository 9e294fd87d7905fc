"""Teachers that others have trained, at rest: what their checkpoint held, and all that uses it.

model.safetensors   the checkpoint's tensors, bit for bit
config.json         what the network is built with, its shape and noise levels, its source; last

Published velocity networks of flow matching run from noise at 0 to data at 1: ours is theirs, negated,
at 1 - t.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from torch import Tensor

from kdm.export import CONFIG, VERSION, WEIGHTS, read_config, read_weights
from kdm.networks.guided_unet import GuidedUNet
from kdm.networks.preconditioning import Preconditioner
from kdm.shapes import Labels, Samples
from pairgen.checkpoints.build import Network, built
from pairgen.checkpoints.build_presets import Preset
from pairgen.checkpoints.checkpoint import Checkpoint
from pairgen.teachers.teacher import Teacher
from storage.digest import digest_of, seal, sha256_of, short
from storage.fs import Folder
from storage.options import parse

PLUGIN = "imported"
_IMPORTER_VERSION = 1  # raised when the same file gives other tensors
_SIGMA_MIN, _SIGMA_MAX = 0.002, 80.0  # where sampling ends and begins (Karras et al. 2022, Table 1)
_COARSE, _FINE = 18, 40  # steps of EDM's Heun: up to 32 pixels a side, and above (ibid., App. F.1)
_FLOW_STEPS = 50  # of midpoint: 100 evaluations, as torchcfm's Euler, with 1 % of its error


class Kind(NamedTuple):
    """What must be known of a network to ask it for samples."""

    shape: tuple[int, ...]  # of a sample
    num_classes: int | None
    sampler: dict[str, Any]  # that is recommended
    nfe: int  # of that sampler, a sample


class Packed(NamedTuple):
    """A teacher in the form in which it is written."""

    config: dict[str, Any]
    weights: bytes


class ImportedVelocity(Teacher):
    """A velocity network of flow matching as a field in this project's time."""

    t_noise = 1.0
    noise_scale = 1.0

    def __init__(self, network: GuidedUNet) -> None:
        super().__init__()
        self.network = network

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt at images x and the time t, which is 0-d or one an image."""
        published: Samples = self.network(x, 1 - t.to(x), label)
        return -published


def kind_of(net: Network, preset: Preset) -> Kind:
    """A network's samples and classes; a ValueError where nothing says how large its images are."""
    if isinstance(net, Preconditioner):
        return _kind_of_denoiser(net, preset)
    keywords, options = preset.init_kwargs, net.options
    side = keywords["dim"][1] if "dim" in keywords else preset.img_resolution
    if side is None:
        raise ValueError("nothing says how large its images are; add img_resolution to its preset")
    sampler = {"plugin": "midpoint", "num_steps": _FLOW_STEPS}
    shape = options.in_channels, int(side), int(side)
    return Kind(shape, options.num_classes, sampler, 2 * _FLOW_STEPS)


def folder_name(name: str, checkpoint: Checkpoint, preset: Preset) -> str:
    """NAME-DIGEST: the digest covers the source and what its network is built with."""
    return f"{name}-{short(digest_of(_identity(checkpoint, preset)))}"


def is_imported(folder: Folder) -> bool:
    """Whether an import was finished here; `DamageError` where its files are not as written."""
    config = read_config(folder)
    if config is None:
        return False
    read_weights(folder, config)
    return True


def packed(checkpoint: Checkpoint, preset: Preset) -> Packed:
    """What will be written of a checkpoint; a ValueError where its tensors do not fit."""
    net = built(preset, checkpoint.tensors)
    return Packed(_config(net, checkpoint, preset), _safetensors(checkpoint.tensors))


def write_imported(folder: Folder, teacher: Packed) -> None:
    """Write the tensors, then the config."""
    data = teacher.weights
    weights = {"file": WEIGHTS, "sha256": sha256_of(data), "num_bytes": len(data)}
    folder.require_space(len(data), "the teacher")
    folder.replace(WEIGHTS, data)
    folder.replace(CONFIG, seal({**teacher.config, "weights": weights}))


def load_imported(folder: Folder) -> Network:
    """The network of an imported teacher, ready to use, on the CPU.

    Raises a ValueError where there is none, `DamageError` where its files are not as written.
    """
    config = read_config(folder)
    if config is None or config["model"]["plugin"] != PLUGIN:
        raise ValueError(f"{folder.url} holds no imported teacher; see 'kdm ls'")
    preset = preset_of(config, folder)
    return built(preset, safetensors.numpy.load(read_weights(folder, config)))


def preset_of(config: dict[str, Any], folder: Folder) -> Preset:
    """What an imported teacher's network is built with."""
    return parse(Preset, config["model"]["network"], f"{folder.url}/{CONFIG}: model.network")


def default_name(stem: str) -> str:
    """A file's name as a teacher's: 'edm-cifar10-32x32-cond-vp'."""
    return re.sub("[^a-z0-9]+", "-", stem.lower()).strip("-")[:64].strip("-") or PLUGIN


def _safetensors(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """The file's bytes, made once: the library's own `save` holds all of them a second time."""
    # Wide numbers first, as the library does, so that all are aligned.
    ordered = dict(sorted(tensors.items(), key=lambda item: -item[1].itemsize))
    head, place = {}, 0
    for name, tensor in ordered.items():
        offsets = [place, place := place + tensor.nbytes]
        kind = f"F{8 * tensor.itemsize}"  # all are float, as `built` has checked
        head[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": offsets}
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of eight
    flat = (tensor.reshape(-1).view(np.uint8).data for tensor in ordered.values())
    return b"".join([len(text).to_bytes(8, "little"), text, *flat])


def _kind_of_denoiser(net: Preconditioner, preset: Preset) -> Kind:
    options = net.model.options
    channels = preset.init_kwargs["img_channels"]
    num_steps = _COARSE if options.img_resolution <= 32 else _FINE
    sampler = {"plugin": "edm-heun", "num_steps": num_steps}
    sampler["sigma_min"] = max(_SIGMA_MIN, net.sigma_min)
    shape = channels, options.img_resolution, options.img_resolution
    return Kind(shape, options.label_dim or None, sampler, 2 * num_steps - 1)


def _identity(checkpoint: Checkpoint, preset: Preset) -> dict[str, Any]:
    return {
        "importer": {"name": checkpoint.kind, "version": _IMPORTER_VERSION},
        "source_sha256": checkpoint.source_sha256,
        "network": preset.model_dump(mode="json", exclude={"license"}),
    }


def _config(net: Network, checkpoint: Checkpoint, preset: Preset) -> dict[str, Any]:
    kind = kind_of(net, preset)
    inner = net.model if isinstance(net, Preconditioner) else net
    num_trainable = sum(parameter.numel() for parameter in net.parameters())
    return {
        "version": VERSION,
        "group": "pairgen.teachers",
        "model": {
            "plugin": PLUGIN,
            "version": _IMPORTER_VERSION,
            "class": type(inner).__name__,
            "network": preset.model_dump(mode="json"),
        },
        "shape": list(kind.shape),
        "schema": None,
        "num_classes": kind.num_classes,
        "sigma": _sigma(net),
        "sampler": kind.sampler,
        "nfe": kind.nfe,
        "identity": _identity(checkpoint, preset),
        "source": {"sha256": checkpoint.source_sha256, "weights": checkpoint.weights},
        "parameters": {"trainable": num_trainable, "tensors": len(checkpoint.tensors)},
    }


def _sigma(net: Network) -> dict[str, float | None] | None:
    """The noise levels that the network knows, and those that sampling uses; none in flow matching."""
    if not isinstance(net, Preconditioner):
        return None
    return {
        "min": net.sigma_min,
        "max": net.sigma_max if math.isfinite(net.sigma_max) else None,  # null: no bound
        "sampled_min": max(_SIGMA_MIN, net.sigma_min),
        "sampled_max": min(_SIGMA_MAX, net.sigma_max),
    }
