"""A trained model at rest, with all that is needed to use it: weights, losses, timings, config.

model.safetensors   averaged weights        losses.json    {"losses": [{"step", "losses"}, …]}
timings.json        what may differ between equal runs
best.safetensors    weights of the lowest training loss, with best.json: see kdm.training.best_weights
config.json         plugin, schema, identity, digest of the weights; written last

A folder without config.json isn't a model yet. Files hold tensors and JSON, and loading executes nothing.
"""

from collections.abc import Mapping
from typing import Any, cast

import safetensors.torch
import torch
from torch import Tensor

from kdm.students.plugin import GROUP as STUDENTS
from kdm.students.plugin import StudentPlugin
from kdm.students.precision import SamplingPrecision
from kdm.students.student import DTYPES, Student
from kdm.trained import (
    CONFIG,
    LOSSES,
    TIMINGS,
    VERSION,
    WEIGHTS,
    Kept,
    read_best,
    read_config,
    read_weights,
)
from storage.digest import seal, sha256_of
from storage.folders.any_folder import folder_at
from storage.folders.folder import Folder
from storage.options import parse
from storage.plugins import configure
from storage.records import PairSchema


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
    """Tensors as the bytes of a safetensors file, whatever their device or memory format.

    Equal tensors give equal bytes.
    """
    as_read = torch.contiguous_format  # the library takes no other order, and no shared memory
    rows = {
        name: each.detach().cpu().clone(memory_format=as_read) for name, each in tensors.items()
    }
    return safetensors.torch.save(rows)


def load_student(
    folder: Folder | str, *, weights: Kept = "last", precision: SamplingPrecision = "float32"
) -> Student:
    """The student of a folder (path or URL), on the CPU, in eval mode and without gradients.

    `weights` are the last ones, or those of the lowest training loss; `precision` is what it samples in.
    Raises a ValueError where the folder holds no such student or weights, and `DamageError` where a
    file isn't as it was written.
    """
    if precision not in DTYPES:
        raise ValueError(f"precision is '{precision}'; choose {' or '.join(DTYPES)}")
    folder = folder_at(folder) if isinstance(folder, str) else folder
    config = read_config(folder)
    if config is None or config["group"] != STUDENTS:
        raise ValueError(f"{folder.url} holds no trained student; see 'kdm ls'")
    plugin = cast(StudentPlugin, configure(STUDENTS, config["model"]))
    schema = parse(PairSchema, config["schema"], f"{folder.url}/{CONFIG}: schema")
    # Building draws initial weights, which mustn't change the caller's stream of random numbers.
    with torch.random.fork_rng():
        student = plugin.build(schema)
    read = read_weights if weights == "last" else read_best
    student.load_state_dict(safetensors.torch.load(read(folder, config)))
    student.precision = precision
    return student.eval().requires_grad_(False)
