"""Teachers that others have trained, as files: NAME-DIGEST/

    model.safetensors   the checkpoint's tensors, bit for bit
    config.json         what the network is built with, its shape and noise levels, its source

config.json is written last, so that a folder with one is whole. The digest in the folder's name covers the
checkpoint's sha256, the importer's version and what the network is built with: the same file, imported
anywhere, has the same name.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.networks.preconditioning import Preconditioner
from kdm.trained import CONFIG, VERSION, WEIGHTS, read_config, read_weights
from pairgen.checkpoints.build import Network, built
from pairgen.checkpoints.build_presets import Preset
from pairgen.checkpoints.checkpoint import Checkpoint
from pairgen.recommended import recommended_sampler
from pairgen.teachers.edm_levels import LOWEST_SIGMA
from pairgen.teachers.imported_network import ImportedTeacher
from storage.digest import digest_of, seal, short
from storage.folders import Folder
from storage.plugins import describe

_IMPORTER_VERSION = 1  # raised when the same file gives other tensors


class Packed(NamedTuple):
    """A teacher as it will be written."""

    config: dict[str, Any]
    weights: list[memoryview]  # the file's bytes: its head, then the tensors where they are


def folder_name(name: str, checkpoint: Checkpoint, preset: Preset) -> str:
    """NAME-DIGEST, the first digits of the digest."""
    return f"{name}-{short(digest_of(_identity(checkpoint, preset)))}"


def is_imported(folder: Folder) -> bool:
    """Whether an import was finished here; a DamageError if its files have changed since."""
    config = read_config(folder)
    if config is None:
        return False
    read_weights(folder, config)
    return True


def packed(checkpoint: Checkpoint, preset: Preset) -> Packed:
    """What will be written of a checkpoint; a ValueError if its tensors don't fit the network."""
    net = built(preset, checkpoint.tensors)
    return Packed(_config(net, checkpoint, preset), _safetensors(checkpoint.tensors))


def write_imported(folder: Folder, teacher: Packed) -> None:
    """Write the tensors, then the config; a StoreError before either if the disk hasn't enough space."""
    num_bytes = sum(piece.nbytes for piece in teacher.weights)
    weights = {"file": WEIGHTS, "sha256": _sha256(teacher.weights), "num_bytes": num_bytes}
    folder.require_space(num_bytes, "the teacher")
    folder.replace(WEIGHTS, teacher.weights)
    folder.replace(CONFIG, seal({**teacher.config, "weights": weights}))


def _sha256(pieces: list[memoryview]) -> str:
    total = hashlib.sha256()
    for piece in pieces:
        total.update(piece)
    return total.hexdigest()


def _safetensors(tensors: Mapping[str, NDArray[Any]]) -> list[memoryview]:
    """The file's bytes in pieces. The library's `save` returns one piece, so that memory holds all twice."""
    # Wide numbers first, as the library does, so that all are aligned.
    ordered = dict(sorted(tensors.items(), key=lambda item: -item[1].itemsize))
    head, place = {}, 0
    for name, tensor in ordered.items():
        offsets = [place, place := place + tensor.nbytes]
        kind = f"F{8 * tensor.itemsize}"  # all are float, as `built` has checked
        head[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": offsets}
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of eight
    flat = [tensor.reshape(-1).view(np.uint8).data for tensor in ordered.values()]
    return [memoryview(len(text).to_bytes(8, "little") + text), *flat]


def _identity(checkpoint: Checkpoint, preset: Preset) -> dict[str, Any]:
    """What the digest in the name covers."""
    return {
        "importer": {"name": checkpoint.kind, "version": _IMPORTER_VERSION},
        "source_sha256": checkpoint.source_sha256,
        "network": preset.model_dump(mode="json", exclude={"license"}),
    }


def _config(net: Network, checkpoint: Checkpoint, preset: Preset) -> dict[str, Any]:
    """The content of config.json without the weights: what the teacher is, and where it comes from."""
    plugin = ImportedTeacher.of(net, preset)
    sampler = recommended_sampler(plugin.noise_scale, plugin.kind.shape)
    inner = net.model if isinstance(net, Preconditioner) else net
    num_trainable = sum(parameter.numel() for parameter in net.parameters())
    return {
        "version": VERSION,
        "group": "pairgen.teachers",
        "model": describe(plugin),
        "class": type(inner).__name__,
        "shape": list(plugin.kind.shape),
        "schema": None,
        "num_classes": plugin.num_classes or None,
        "sigma": _sigma(net, plugin.noise_scale),
        "sampler": describe(sampler),
        "nfe": sampler.nfe,
        "identity": _identity(checkpoint, preset),
        "source": {
            "sha256": checkpoint.source_sha256,
            "weights": checkpoint.weights,
            "license": preset.license,
        },
        "parameters": {"trainable": num_trainable, "tensors": len(checkpoint.tensors)},
    }


def _sigma(net: Network, sampled_max: float) -> dict[str, float | None] | None:
    """The noise levels that the network knows and those that sampling uses; None for flow matching."""
    if not isinstance(net, Preconditioner):
        return None
    return {
        "min": net.sigma_min,
        "max": net.sigma_max if math.isfinite(net.sigma_max) else None,  # null: no bound
        "sampled_min": max(LOWEST_SIGMA, net.sigma_min),
        "sampled_max": sampled_max,
    }
