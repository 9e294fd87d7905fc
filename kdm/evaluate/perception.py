"""Measures how different pictures look, row by row, with LPIPS's network (`kdm.losses.lpips_network`)."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kdm.losses.lpips_network import lpips_network
from kdm.metrics.lpips_to_teacher import LpipsToTeacher
from kdm.metrics.metric import Metric
from kdm.metrics.perceived import Apart, Perceived, Points, others
from kdm.metrics.sample_sets import SampleSet, set_of
from kdm.pretrained import sha256_of_weights, weights_folder

_BATCH = 64  # pictures a pass


class Perception:
    """The networks of the metrics that compare how pictures look."""

    def __init__(self, metrics: Iterable[Metric], *, device: torch.device) -> None:
        """Their files are in the weights folder; a ValueError names one that holds other weights."""
        asking = [each for each in metrics if isinstance(each, LpipsToTeacher)]
        self._networks = {each.plugin: _network(each, device) for each in asking}
        self._digests = {each.plugin: sha256_of_weights(each.files()[0]) for each in asking}

    def perceived(
        self,
        x_T: Points | SampleSet,
        x_0: Points | SampleSet,
        x_0_hat: Points | SampleSet,
        label: NDArray[np.int64] | None,
    ) -> dict[str, Perceived]:
        """Held-out pairs and the student's samples of them, pictures [n, C, H, W] of −1 … 1."""
        noise = set_of(x_T).array()
        rivals = others(noise), others(noise, label)
        return {
            name: Perceived(self._digests[name], *_apart_by(network, x_0, x_0_hat, *rivals))
            for name, network in self._networks.items()
        }


def _network(metric: LpipsToTeacher, device: torch.device) -> nn.Module:
    file = weights_folder() / metric.files()[0]
    return lpips_network(
        metric.net, file, has_max_pooling=True, resize=metric.resize, device=device
    )


def _apart_by(
    network: nn.Module,
    x_0: Points | SampleSet,
    x_0_hat: Points | SampleSet,
    anyone: NDArray[np.int64],
    alike: NDArray[np.int64],
) -> tuple[Apart, Apart]:
    """The student's distances, then those of the teacher in its place."""
    parts = []
    for first in range(0, len(x_0), _BATCH):
        rows = slice(first, first + _BATCH)
        sets = (x_0_hat[rows], x_0[rows], x_0[anyone[rows]], x_0[alike[rows]])
        parts.append(_distances(network, *sets))
    found = np.concatenate(parts, axis=1)
    return Apart(*found[:3]), Apart(np.zeros(len(x_0)), *found[3:])


@torch.inference_mode()
def _distances(network: nn.Module, *sets: Points) -> NDArray[np.float64]:
    """[5, n]: the student's to the teacher's and to two others; the teacher's to these two."""
    device = next(network.buffers()).device
    seen = [_seen(network, torch.from_numpy(each).to(device)) for each in sets]
    own, teachers, *rest = seen
    pairs = [(own, teachers), *((own, each) for each in rest), *((teachers, each) for each in rest)]
    return np.stack([_apart(*pair).double().cpu().numpy() for pair in pairs])


def _seen(network: nn.Module, pictures: Tensor) -> list[Tensor]:
    coloured = pictures.expand(-1, 3, -1, -1)
    return network(coloured)  # type: ignore[no-any-return]


def _apart(one: list[Tensor], other: list[Tensor]) -> Tensor:
    """Σ_l mean over positions of Σ_c (…)², [n] (Zhang et al. 2018, Eq. 1)."""
    layers = [((a - b) ** 2).sum(1).mean((1, 2)) for a, b in zip(one, other, strict=True)]
    return torch.stack(layers).sum(0)
