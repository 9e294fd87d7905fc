"""A trained model in files, with all that is needed to use it: weights, losses, timings, config.

model.safetensors   averaged weights        losses.json    {"losses": [{"step", "losses"}, …]}
timings.json        what may differ between equal runs
best.safetensors    weights of the lowest training loss, with best.json: see kdm.training.best_weights
config.json         plugin, schema, identity, digest of the weights; written last

A folder without config.json isn't a model yet. Files hold tensors and JSON, and loading executes nothing.
"""

from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from kdm.students.loading import load_student
from kdm.trained import (
    CONFIG,
    LOSSES,
    TIMINGS,
    VERSION,
    WEIGHTS,
)
from storage.digest import seal, sha256_of
from storage.folders import Folder

__all__ = ["load_student", "safetensors_bytes", "write_model", "write_trained"]


def write_trained(
    folder: Folder,
    state: Mapping[str, Tensor],
    *,
    config: Mapping[str, Any],
    losses: list[dict[str, Any]],
    timings: Mapping[str, Any],
) -> None:
    """Write a finished training; `config.json`, with the digest of the weights, comes last.

    `state` is the model's state dict, `losses` the history, and `timings` what equal runs differ in.
    """
    folder.replace(LOSSES, seal({"losses": losses}))
    folder.replace(TIMINGS, seal(timings))
    write_model(folder, state, config=config)


def write_model(folder: Folder, state: Mapping[str, Tensor], *, config: Mapping[str, Any]) -> None:
    """Write weights, then `config.json` with their digest: all that `load_student` needs."""
    data = safetensors_bytes(state)
    weights = {"file": WEIGHTS, "sha256": sha256_of(data), "num_bytes": len(data)}
    folder.replace(WEIGHTS, data)
    folder.replace(CONFIG, seal({"version": VERSION, **config, "weights": weights}))


def safetensors_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Tensors as the bytes of a safetensors file, on any device and in any memory format.

    Equal tensors give equal bytes.
    """
    as_read = torch.contiguous_format  # the library takes no other order, and no shared memory
    rows = {
        name: each.detach().cpu().clone(memory_format=as_read) for name, each in tensors.items()
    }
    return safetensors.torch.save(rows)
