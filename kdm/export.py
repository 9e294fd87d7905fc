"""A trained model at rest, with all that is needed to use it: weights, losses, timings, config.

model.safetensors   averaged weights        losses.json    {"losses": [{"step", "losses"}, …]}
timings.json        what may differ between equal runs
config.json         plugin, schema, identity, digest of the weights; written last
"""

from collections.abc import Mapping
from typing import Any, cast

import safetensors.torch
import torch
from torch import Tensor

from kdm.students.student import GROUP as STUDENTS
from kdm.students.student import Student, StudentPlugin
from storage.digest import seal, sha256_of, unseal
from storage.errors import DamageError
from storage.fs import Folder
from storage.options import parse
from storage.plugins import configure
from storage.records import PairSchema

CONFIG, WEIGHTS, LOSSES, TIMINGS = "config.json", "model.safetensors", "losses.json", "timings.json"
VERSION = 1


def write_trained(
    folder: Folder,
    state: Mapping[str, Tensor],
    *,
    config: Mapping[str, Any],
    losses: list[dict[str, Any]],
    timings: Mapping[str, Any],
) -> None:
    """Write a finished training; `config.json`, with the digest of the weights, comes last."""
    data = safetensors_bytes(state)
    weights = {"file": WEIGHTS, "sha256": sha256_of(data), "num_bytes": len(data)}
    folder.replace(WEIGHTS, data)
    folder.replace(LOSSES, seal({"losses": losses}))
    folder.replace(TIMINGS, seal(timings))
    folder.replace(CONFIG, seal({"version": VERSION, **config, "weights": weights}))


def safetensors_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Tensors as a safetensors file, whatever device, memory or order of pixels they are in."""
    as_read = torch.contiguous_format  # the library takes no other order, and no shared memory
    rows = {
        name: each.detach().cpu().clone(memory_format=as_read) for name, each in tensors.items()
    }
    return safetensors.torch.save(rows)


def read_config(folder: Folder) -> dict[str, Any] | None:
    """What `config.json` says, checked against its own digest; None where training is not done."""
    if not folder.exists(CONFIG):
        return None
    config = unseal(folder.read(CONFIG), f"{folder.url}/{CONFIG}")
    if config["version"] != VERSION:
        raise DamageError(
            f"{folder.url}/{CONFIG} is of version {config['version']}, this project reads {VERSION}"
        )
    return config


def read_weights(folder: Folder, config: Mapping[str, Any]) -> bytes:
    """The safetensors bytes that `config` names; `DamageError` where they are others."""
    weights = config["weights"]
    where = f"{folder.url}/{weights['file']}"
    remedy = f"restore it, or remove {CONFIG} beside it and train again"
    if not folder.exists(weights["file"]):
        raise DamageError(f"{where} is missing; {remedy}")
    data = folder.read(weights["file"])
    if sha256_of(data) != weights["sha256"]:
        raise DamageError(f"{where} is not what {CONFIG} says it was; {remedy}")
    return data


def load_student(folder: Folder | str) -> Student:
    """The student that was trained in a folder, ready to generate, on the CPU.

    Raises a ValueError where there is none, `DamageError` where its files are not as written.
    """
    folder = Folder.at(folder) if isinstance(folder, str) else folder
    config = read_config(folder)
    if config is None or config["group"] != STUDENTS:
        raise ValueError(f"{folder.url} holds no trained student; see 'kdm ls'")
    plugin = cast(StudentPlugin, configure(STUDENTS, config["model"]))
    schema = parse(PairSchema, config["schema"], f"{folder.url}/{CONFIG}: schema")
    # Building draws initial weights; the caller's stream of random numbers must not notice.
    with torch.random.fork_rng():
        student = plugin.build(schema)
    student.load_state_dict(safetensors.torch.load(read_weights(folder, config)))
    return student.eval().requires_grad_(False)
