"""A few samples of an imported teacher by its recommended sampler, to look at.

EDM's networks are sampled as their goldens are: Heun's method in float64 along the rounded levels.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from kdm.networks.golden_samplers import edm_solve
from kdm.networks.preconditioning import Preconditioner
from pairgen.checkpoints.build import Network
from pairgen.samplers.midpoint import Midpoint
from pairgen.teachers.imported import ImportedVelocity, Kind
from storage.noise import derive_labels, derive_noise
from storage.records import LabelRule, NoiseRule

Report = Callable[[int, int], None]  # evaluations done, of how many


@torch.no_grad()
def samples_of(net: Network, kind: Kind, *, count: int, report: Report) -> NDArray[np.uint8]:
    """`count` images [n, C, H, W] from noise that depends on their shape alone; classes in turn."""
    index = np.arange(count)
    noise = torch.from_numpy(derive_noise(NoiseRule(), "train", index, kind.shape))
    label = _labels(kind, index)
    num_done = 0

    def counted(_module: torch.nn.Module, _given: object) -> None:
        nonlocal num_done
        report(num_done, kind.nfe)
        num_done += 1

    hook = net.register_forward_pre_hook(counted)
    x_0 = _solved(net, kind, noise, label)
    hook.remove()
    assert num_done == kind.nfe  # the number that the card says
    return (x_0 * 127.5 + 128).clip(0, 255).to(torch.uint8).numpy()  # truncated, as EDM's


def _solved(
    net: Network, kind: Kind, noise: torch.Tensor, label: torch.Tensor | None
) -> torch.Tensor:
    num_steps = kind.sampler["num_steps"]
    if not isinstance(net, Preconditioner):
        return Midpoint(num_steps=num_steps).sample(ImportedVelocity(net), noise, label).x_0
    one_hot = None if label is None else F.one_hot(label, kind.num_classes or -1).float()
    return edm_solve(net, noise, one_hot, num_steps=num_steps).end


def _labels(kind: Kind, index: NDArray[np.int64]) -> torch.Tensor | None:
    if kind.num_classes is None:
        return None
    rule = LabelRule(num_classes=kind.num_classes)
    return torch.from_numpy(derive_labels(rule, seed=0, split="train", index=index))
