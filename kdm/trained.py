"""What can be read of a trained model without torch: its config, and its weights as checked bytes.

`kdm.export` lists the files of its folder and writes them.
"""

from collections.abc import Mapping
from typing import Any, Literal

from storage.digest import sha256_of, unseal
from storage.errors import DamageError
from storage.folders import Folder

CONFIG, WEIGHTS, LOSSES, TIMINGS = "config.json", "model.safetensors", "losses.json", "timings.json"
BEST, BEST_WEIGHTS = "best.json", "best.safetensors"
PICTURES = "samples"  # a folder of pictures drawn in training
CHECKPOINTS = "checkpoints"  # a folder of what an unfinished training continues from
VERSION = 1
Kept = Literal["last", "best"]


def read_config(folder: Folder) -> dict[str, Any] | None:
    """The contents of `config.json`, checked against its own digest; None if training isn't done.

    Raises `DamageError` if it was changed, or is of a version that this project doesn't read.
    """
    if not folder.exists(CONFIG):
        return None
    config = unseal(folder.read(CONFIG), f"{folder.url}/{CONFIG}")
    if config["version"] != VERSION:
        raise DamageError(
            f"{folder.url}/{CONFIG} is of version {config['version']}, this project reads {VERSION}"
        )
    return config


def read_weights(folder: Folder, config: Mapping[str, Any]) -> bytes:
    """The safetensors bytes that `config` names; `DamageError` if they are missing or different."""
    weights = config["weights"]
    where = f"{folder.url}/{weights['file']}"
    remedy = f"restore it, or remove {CONFIG} beside it and train again"
    if not folder.exists(weights["file"]):
        raise DamageError(f"{where} is missing; {remedy}")
    data = folder.read(weights["file"])
    if sha256_of(data) != weights["sha256"]:
        raise DamageError(f"{where} is not what {CONFIG} says it was; {remedy}")
    return data


def read_best(folder: Folder, config: Mapping[str, Any]) -> bytes:
    """The safetensors bytes of the best weights of the training that `config` describes.

    Raises a ValueError if it kept none, and `DamageError` if they aren't what was written.
    """
    best = unseal(folder.read(BEST), f"{folder.url}/{BEST}") if folder.exists(BEST) else {}
    if best.get("identity") != config.get("identity") or not folder.exists(BEST_WEIGHTS):
        raise ValueError(
            f"{folder.url} holds no best weights of this training: training.keep_best was false, or "
            "it was trained before they were kept; use the last ones"
        )
    data = folder.read(BEST_WEIGHTS)
    if sha256_of(data) != best["weights"]["sha256"]:
        raise DamageError(
            f"{folder.url}/{BEST_WEIGHTS} is not what {BEST} says it was; restore it, or use the last "
            "weights"
        )
    return data
