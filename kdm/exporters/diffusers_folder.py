"""A network as a folder that `diffusers.DiffusionPipeline.from_pretrained` opens, without this project.

    README.md  model_index.json  pipeline_DIGEST.py
    network/   network_DIGEST.py  config.json  diffusion_pytorch_model.safetensors
    scheduler/ scheduler_config.json                                                   teachers alone

diffusers keeps Python files of local folders by their file names alone, and loading a second file of a name
changes what the first one's functions see. So their names hold the digest of what they say.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kdm.export import safetensors_bytes
from kdm.exporters.diffusers_card import diffusers_card
from kdm.exporters.diffusers_network import CLASS, network_file
from kdm.exporters.plain_code import PlainCode
from storage.digest import sha256_of

_VERSION = "0.42.1"  # of diffusers, whose files these are
_PIPELINE = "ExportedPipeline"
_INDEX = "model_index.json"


class Scheduler(NamedTuple):
    """A scheduler of diffusers, and its options."""

    kind: str  # its class
    options: Mapping[str, Any]


def diffusers_files(
    code: PlainCode,
    options: Mapping[str, Any],
    *,
    what: str,
    note: str = "",
    scheduler: Scheduler | None = None,
) -> dict[str, bytes]:
    """Files by name; the index, which makes it a pipeline, is the last.

    `options` are the fields of the network's config, `what` is a student or a teacher, and `note` a
    sentence for the card. Raises a ValueError if parts of the network have names that diffusers forbids.
    """
    network = network_file(code, options, f"The network of a {what}.").encode()
    pipeline = Path(__file__).with_name("diffusers_pipeline.py").read_bytes()
    network_name, pipeline_name = (
        f"{name}_{sha256_of(text)[:8]}"
        for name, text in (("network", network), ("pipeline", pipeline))
    )
    files = {
        "README.md": diffusers_card(options, what, note).encode(),
        f"{pipeline_name}.py": pipeline,
        f"network/{network_name}.py": network,
        "network/config.json": _json({"_class_name": CLASS, **options}),
        "network/diffusion_pytorch_model.safetensors": safetensors_bytes(code.weights),
    }
    said: list[str | None] = [None, None]
    if scheduler is not None:
        said = ["diffusers", scheduler.kind]
        config = {"_class_name": scheduler.kind, **scheduler.options}
        files["scheduler/scheduler_config.json"] = _json(config)
    index = {
        "_class_name": [pipeline_name, _PIPELINE],
        "network": [network_name, CLASS],
        "scheduler": said,
    }
    return files | {_INDEX: _json(index)}


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps({**value, "_diffusers_version": _VERSION}, indent=2) + "\n").encode()
