"""The config.json of an imported teacher: what the teacher is, and where it comes from."""

import math
from typing import Any

from kdm.networks.preconditioning import Preconditioner
from kdm.trained import VERSION
from pairgen.checkpoints.build import Network
from pairgen.checkpoints.build_presets import Preset
from pairgen.checkpoints.checkpoint import Checkpoint
from pairgen.recommended import recommended_sampler
from pairgen.teachers.edm_levels import LOWEST_SIGMA
from pairgen.teachers.imported_network import ImportedTeacher
from storage.plugins import describe

_IMPORTER_VERSION = 1  # raised when the same file gives other tensors


def identity(checkpoint: Checkpoint, preset: Preset) -> dict[str, Any]:
    """What the digest in the name covers."""
    return {
        "importer": {"name": checkpoint.kind, "version": _IMPORTER_VERSION},
        "source_sha256": checkpoint.source_sha256,
        "network": preset.model_dump(mode="json", exclude={"license"}),
    }


def config_of(net: Network, checkpoint: Checkpoint, preset: Preset) -> dict[str, Any]:
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
        "identity": identity(checkpoint, preset),
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
