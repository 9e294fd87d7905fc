"""What published networks see in samples and in real pictures, looked at once and kept (`kept_features`).

The teacher's samples and the real pictures are looked at once for all students.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.datasets import DataSet, splits_of
from kdm.datasets.pictures import Split
from kdm.evaluate.kept_features import KeptFeatures, Pictures
from kdm.evaluate.kept_references import read_reference, reference_of, view_identity
from kdm.evaluate.view_networks import Network, network_of
from kdm.metrics.metric import Metric
from kdm.metrics.network_metric import SPLITS, FrechetMetric, NetworkMetric, require_real_count
from kdm.metrics.protocol import Reference
from kdm.metrics.reference_statistics import read_moments
from kdm.metrics.sample_sets import SampleSet, set_of
from kdm.metrics.views import RealView, Seen, Sight, View
from kdm.pretrained import sha256_of_weights, weights_folder
from storage.folders import Folder
from storage.records import to_bytes

_ROUND_OFF = 1e-3  # of values that should end at −1 and 1


class NetworkViews:
    """The views that some metrics ask for."""

    def __init__(
        self,
        home: Folder,
        metrics: Iterable[Metric],
        dataset: DataSet | None,
        *,
        device: torch.device | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        """Raises a ValueError if a network, its pictures or a file of statistics isn't what it should be.

        `shape` is that of samples, if it's known.
        """
        self._asking = asking = [each for each in metrics if isinstance(each, NetworkMetric)]
        for metric in asking:
            metric.require_real(splits_of(dataset))
        self._home, self._dataset, self._shape = home, dataset, shape
        self._eyes = {
            view: Eyes(home, view, device) for view in dict.fromkeys(each.view for each in asking)
        }

    def require(self, count: int) -> None:
        """Raise a ValueError, before any work, for what can't be measured with so many samples at most.

        Networks are loaded and tried, statistics are read, numbers of real pictures are compared.
        """
        self.require_samples(count)
        for metric in self._asking:
            if not isinstance(metric, FrechetMetric):
                continue
            with _named(metric):
                if metric.reference in SPLITS:
                    num_features = self._eyes[metric.view].network.num_features
                    require_real_count(len(self._pictures(metric.reference)), num_features)
                else:
                    self._statistics(metric.view, metric.reference)

    def require_samples(self, count: int) -> None:
        """Raise a ValueError that names a metric for which so many samples are too few."""
        for metric in self._asking:
            with _named(metric):
                metric.require_samples(count, self._eyes[metric.view].network.num_features)

    def seen(
        self, fresh: NDArray[Any] | SampleSet, teachers: NDArray[Any] | SampleSet
    ) -> dict[View, Seen]:
        """Two sets of samples of −1 … 1, [m, C, H, W] each, as the bytes that a file would hold."""
        own, others = AsBytes(set_of(fresh)), AsBytes(set_of(teachers))
        return {
            view: Seen(
                eyes.sha256,
                eyes.look(own, of="the student's samples"),
                eyes.look(others, of="the teacher's samples"),
                self._real[view],
                self._heldout[view],
            )
            for view, eyes in self._eyes.items()
        }

    def described(self) -> dict[str, Any]:
        """What the metrics document says of the real pictures in the student's place."""
        if "heldout" not in splits_of(self._dataset):
            return {}
        return {"num_real": len(self._pictures("heldout"))}

    @cached_property
    def _real(self) -> dict[View, dict[str, RealView]]:
        """Real pictures or statistics by the words of metrics."""
        asked = {
            view: {each.real_set for each in self._asking if each.view == view}
            for view in self._eyes
        }
        return {
            view: {name: self._real_view(view, name) for name in sorted(filter(None, names))}
            for view, names in asked.items()
        }

    @cached_property
    def _heldout(self) -> dict[View, Sight | None]:
        if "heldout" not in splits_of(self._dataset):
            return dict.fromkeys(self._eyes)
        pictures = self._pictures("heldout")
        return {
            view: eyes.look(pictures, of=self._of("heldout")) for view, eyes in self._eyes.items()
        }

    def _real_view(self, view: View, name: str) -> RealView:
        if name not in SPLITS:
            return self._statistics(view, name)
        assert self._dataset is not None  # `require_real` asked for it
        return self._eyes[view].real(self._dataset, cast(Split, name))

    def _statistics(self, view: View, name: str) -> RealView:
        eyes = self._eyes[view]
        if not name.endswith(".npz"):
            return read_reference(self._home, name, eyes.identity, self._shape)
        moments = read_moments(weights_folder() / name, num_features=eyes.network.num_features)
        sha256 = sha256_of_weights(name)
        known = reference_of(self._home, sha256, eyes.identity)  # a copy of this home's own
        of = known or Reference(name=name, split="as published", digest=sha256)
        return RealView(of, None, moments)

    def _pictures(self, split: str) -> NDArray[np.uint8]:
        assert self._dataset is not None
        return pictures_of(self._dataset, cast(Split, split))

    def _of(self, split: str) -> str:
        assert self._dataset is not None
        return f"{self._dataset.kind} ({split})"


def seen_by(metrics: Iterable[Metric], dataset: DataSet | None) -> dict[str, str]:
    """The sha256 of each file behind the metrics' numbers, and the data set's digest, by name."""
    metrics = list(metrics)
    asking = [metric for metric in metrics if isinstance(metric, NetworkMetric)]
    names = {name for each in metrics for name in each.files()}
    digests = {name: sha256_of_weights(name) for name in sorted(names)}
    if {each.real_set for each in asking} & set(SPLITS) and dataset is not None:
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

    @property
    def identity(self) -> dict[str, Any]:
        """All that determines what it sees."""
        return view_identity(self.view, self.sha256)

    def look(self, pictures: Pictures, *, of: str) -> Sight:
        """At bytes [n, C, H, W]; `of` says whose they are."""
        kept = KeptFeatures(self._home, pictures, of=of, view=self.identity)
        return kept.look(
            lambda some: self.network.look(some), num_features=lambda: self.network.num_features
        )

    def real(self, dataset: DataSet, split: Split) -> RealView:
        """A split of the data set."""
        given = pictures_of(dataset, split)
        of = Reference(name=dataset.kind, split=split, digest=dataset.digest(), count=len(given))
        return RealView(of, self.look(given, of=f"{dataset.kind} ({split})").features, None)


def pictures_of(dataset: DataSet, split: Split) -> NDArray[np.uint8]:
    """Real pictures as bytes; a ValueError if numbers aren't of −1 … 1."""
    given = dataset.train() if split == "train" else dataset.heldout()
    if given.dtype != np.uint8 and len(given):
        low, high = float(given.min()), float(given.max())
        if low < -1 - _ROUND_OFF or high > 1 + _ROUND_OFF or low >= 0:
            raise ValueError(
                f"the real pictures ({dataset.kind}, {split}) have values of {low:.4g} … {high:.4g}, "
                "and pictures are numbers of −1 … 1 or bytes of 0 … 255; convert them"
            )
    return as_bytes(given)


class AsBytes:
    """A set's samples as bytes, made as they are asked for."""

    def __init__(self, samples: SampleSet) -> None:
        """Numbers of −1 … 1."""
        self._samples, self.shape = samples, samples.shape

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        return as_bytes(self._samples[rows])


def as_bytes(pictures: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of −1 … 1 as EDM's generate.py rounds them; bytes stay."""
    return pictures if pictures.dtype == np.uint8 else to_bytes(pictures, "floor")


@contextmanager
def _named(metric: NetworkMetric) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"metric '{metric.plugin}': {error}") from error
