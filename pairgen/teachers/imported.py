"""Teachers that others have trained, as files: NAME-DIGEST/

    model.safetensors   the checkpoint's tensors, bit for bit
    config.json         what the network is built with, its shape and noise levels, its source

config.json is written last, so that a folder with one is whole. The digest in the folder's name covers the
checkpoint's sha256, the importer's version and what the network is built with: the same file, imported
anywhere, has the same name.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.trained import CONFIG, WEIGHTS, read_config, read_weights
from pairgen.checkpoints.build import built
from pairgen.checkpoints.build_presets import Preset
from pairgen.checkpoints.checkpoint import Checkpoint
from pairgen.teachers.imported_config import config_of, identity
from storage.digest import digest_of, seal, short
from storage.folders import Folder


class Packed(NamedTuple):
    """A teacher as it will be written."""

    config: dict[str, Any]
    weights: list[memoryview]  # the file's bytes: its head, then the tensors in place


def folder_name(name: str, checkpoint: Checkpoint, preset: Preset) -> str:
    """NAME-DIGEST, the first digits of the digest."""
    return f"{name}-{short(digest_of(identity(checkpoint, preset)))}"


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
    return Packed(config_of(net, checkpoint, preset), _safetensors(checkpoint.tensors))


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
