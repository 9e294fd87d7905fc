"""What published networks see in samples and in real pictures, looked at once and kept (`kept_features`).

The teacher's samples and the real pictures are looked at once for all students.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.datasets import DataSet, splits_of
from kdm.evaluate.kept_features import KeptFeatures
from kdm.evaluate.view_networks import Network, network_of
from kdm.metrics.metric import Metric
from kdm.metrics.network_metric import NetworkMetric
from kdm.metrics.protocol import Reference
from kdm.metrics.reference_statistics import read_moments
from kdm.metrics.views import RealView, Seen, Sight, View
from kdm.pretrained import sha256_of_weights, weights_folder
from storage.folders import Folder
from storage.records import to_bytes


class NetworkViews:
    """The views that some metrics ask for."""

    def __init__(
        self,
        home: Folder,
        metrics: Iterable[Metric],
        dataset: DataSet | None,
        *,
        device: torch.device | None = None,
    ) -> None:
        """Raises a ValueError if a network or a file of statistics isn't what it should be."""
        self._asking = asking = [each for each in metrics if isinstance(each, NetworkMetric)]
        for metric in asking:
            metric.require_real(splits_of(dataset))
        self._eyes = {
            view: Eyes(home, view, device) for view in dict.fromkeys(each.view for each in asking)
        }
        self._real = {
            view: {
                name: self._eyes[view].real(name, dataset)
                for name in sorted({each.real_set or "" for each in asking if each.view == view})
                if name
            }
            for view in self._eyes
        }

    def require_samples(self, count: int) -> None:
        """Raise a ValueError that names a metric for which so many samples are too few."""
        for metric in self._asking:
            try:
                metric.require_samples(count, self._eyes[metric.view].network.num_features)
            except ValueError as error:
                raise ValueError(f"metric '{metric.plugin}': {error}") from error

    def seen(self, fresh: NDArray[Any], teachers: NDArray[Any]) -> dict[View, Seen]:
        """Two sets of samples of −1 … 1, [m, C, H, W] each, as the bytes that a file would hold."""
        own, others = as_bytes(fresh), as_bytes(teachers)
        return {
            view: Seen(
                eyes.sha256,
                eyes.look(own, of="the student's samples"),
                eyes.look(others, of="the teacher's samples"),
                self._real[view],
            )
            for view, eyes in self._eyes.items()
        }


def seen_by(metrics: Iterable[Metric], dataset: DataSet | None) -> dict[str, str]:
    """The sha256 of each file behind the metrics' numbers, and the data set's digest, by name."""
    asking = [metric for metric in metrics if isinstance(metric, NetworkMetric)]
    real = {each.real_set for each in asking} - {None}
    splits = {"train", "heldout"}
    names = {each.view.network for each in asking} | (real - splits)
    digests = {name: sha256_of_weights(name) for name in sorted(map(str, names))}
    if real & splits and dataset is not None:
        digests["dataset"] = dataset.digest()
    return digests


class Eyes:
    """One view: a network that is loaded only if something isn't kept yet."""

    def __init__(self, home: Folder, view: View, device: torch.device | None = None) -> None:
        """The view's file is in the weights folder."""
        self.view, self.sha256 = view, sha256_of_weights(view.network)
        self._home, self._device = home, device

    @cached_property
    def network(self) -> Network:
        """Loaded, and tried on a picture."""
        return network_of(self.view, device=self._device)

    def look(self, pictures: NDArray[np.uint8], *, of: str) -> Sight:
        """At bytes [n, C, H, W]; `of` says whose they are."""
        view = {
            "network": self.view.network,
            "sha256": self.sha256,
            "mode": self.view.mode,
            "given": None if self.view.given is None else self.view.given._asdict(),
        }
        kept = KeptFeatures(self._home, pictures, of=of, view=view)
        return kept.look(
            lambda some: self.network.look(some), num_features=lambda: self.network.num_features
        )

    def real(self, name: str, dataset: DataSet | None) -> RealView:
        """A split of the data set, or a file of statistics."""
        if name not in ("train", "heldout"):
            path = weights_folder() / name
            moments = read_moments(path, num_features=self.network.num_features)
            of = Reference(name=name, split="as published", digest=sha256_of_weights(name))
            return RealView(of, None, moments)
        assert dataset is not None  # `require_real` asked for it
        given = as_bytes(dataset.train() if name == "train" else dataset.heldout())
        of = Reference(name=dataset.kind, split=name, digest=dataset.digest(), count=len(given))
        return RealView(of, self.look(given, of=f"{dataset.kind} ({name})").features, None)


def as_bytes(pictures: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of −1 … 1 as EDM's generate.py rounds them; bytes stay."""
    return pictures if pictures.dtype == np.uint8 else to_bytes(pictures, "floor")
