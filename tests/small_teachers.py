"""Teachers as others publish them, small: EDM pickles of any preconditioner, a flow-matching checkpoint."""

from pathlib import Path

import numpy as np
import torch
from edm_pickles import ARCHITECTURES, network, snapshot_of, write_snapshot

from kdm.networks.build import build_edm, build_guided

SHAPE, NUM_CLASSES = (3, 8, 8), 10
_SMALL = {"model_channels": 16, "channel_mult": [1], "num_blocks": 1, "attn_resolutions": []}
_COMMON = {"img_resolution": 8, "img_channels": 3, "label_dim": NUM_CLASSES, "dropout": 0.13}
# What torch.save writes of a network of these keywords has a preset of the user's own.
FLOW = {"dim": [3, 8, 8], "num_channels": 32, "num_res_blocks": 1, "channel_mult": [1]}


def edm_pickle(path: Path, precond: str = "EDMPrecond", *, num_classes: int = NUM_CLASSES) -> Path:
    """A network of 10 classes with the noise levels of its class."""
    architecture = {"VEPrecond": "ncsnpp", "iDDPMPrecond": "adm"}.get(precond, "ddpmpp")
    settings = ARCHITECTURES[architecture] | _SMALL | {"label_dim": num_classes}
    net = build_edm(precond, _COMMON | settings)
    drawn = network(precond, settings, _tensors_of(net))
    drawn.sigma_min, drawn.sigma_max = net.sigma_min, net.sigma_max
    return write_snapshot(path, snapshot_of(drawn))


def flow_checkpoint(path: Path) -> Path:
    """What torchcfm's training saves, of a network without classes."""
    average = build_guided(FLOW).state_dict()
    torch.save({"net_model": average, "ema_model": average, "step": 4}, path)
    return path


def _tensors_of(net: torch.nn.Module) -> dict[str, np.ndarray]:
    draw = torch.Generator().manual_seed(0)
    return {
        name: held.numpy() if name == "u" else (torch.randn(held.shape, generator=draw) / 8).numpy()
        for name, held in net.state_dict().items()
    }
