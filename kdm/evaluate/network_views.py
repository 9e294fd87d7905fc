"""What published networks see in samples and in real pictures, looked at once and kept.

HOME/features/DIGEST.npz   features [n, d] and probabilities [n, classes], float32

A file's name is the digest of the network's sha256, the mode and the pictures' bytes: the teacher's
samples and the real pictures are looked at once for all students, and an evaluation that was killed
goes on after the sets that it had finished. The files may be deleted at any time.
"""

import io
import zipfile
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.datasets import DataSet, splits_of
from kdm.evaluate.feature_network import FeatureNetwork
from kdm.metrics.judgements import Judgement
from kdm.metrics.metric import Metric
from kdm.metrics.network_metric import NetworkMetric
from kdm.metrics.protocol import Reference
from kdm.metrics.reference_statistics import read_moments
from kdm.metrics.views import RealView, Seen, View
from kdm.pretrained import sha256_of_weights, weights_folder
from storage.digest import digest_of, sha256_of
from storage.folders import Folder
from storage.records import to_bytes

FOLDER = "features"


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
            view: _Eyes(home, view, device) for view in sorted({each.view for each in asking})
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

    def seen(
        self, fresh: NDArray[Any], reference: NDArray[Any], second_reference: NDArray[Any]
    ) -> dict[View, Seen]:
        """Three sets of samples of −1 … 1, [m, C, H, W] each, as the bytes that a file would hold."""
        sets = [_bytes(each) for each in (fresh, reference, second_reference)]
        found = {}
        for view, eyes in self._eyes.items():
            first, second, third = map(eyes.judge, sets)
            found[view] = Seen(eyes.sha256, first, second, third, self._real[view])
        return found


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


class _Eyes:
    """One view: a network that is loaded only if a set isn't kept yet."""

    def __init__(self, home: Folder, view: View, device: torch.device | None) -> None:
        self.view, self.sha256 = view, sha256_of_weights(view.network)
        self._kept, self._device = home / FOLDER, device

    @cached_property
    def network(self) -> FeatureNetwork:
        return FeatureNetwork(weights_folder() / self.view.network, device=self._device)

    def judge(self, pictures: NDArray[np.uint8]) -> Judgement:
        """Of bytes [n, C, H, W]; kept ones are read."""
        content = [list(pictures.shape), sha256_of(np.ascontiguousarray(pictures).data.cast("B"))]
        name = f"{digest_of([self.sha256, self.view.mode, content])}.npz"
        kept = _read(self._kept, name, len(pictures))
        if kept is not None:
            return kept
        found = self.network.judge(pictures, self.view.mode)
        self._kept.replace(name, _packed(found))
        return found

    def real(self, name: str, dataset: DataSet | None) -> RealView:
        """A split of the data set, or a file of statistics."""
        if name not in ("train", "heldout"):
            path = weights_folder() / name
            moments = read_moments(path, num_features=self.network.num_features)
            of = Reference(name=name, split="as published", digest=sha256_of_weights(name))
            return RealView(of, None, moments)
        assert dataset is not None  # `require_real` asked for it
        given = _bytes(dataset.train() if name == "train" else dataset.heldout())
        of = Reference(name=dataset.kind, split=name, digest=dataset.digest(), count=len(given))
        return RealView(of, self.judge(given).features, None)


def _bytes(pictures: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of −1 … 1 as EDM's generate.py rounds them; bytes stay."""
    return pictures if pictures.dtype == np.uint8 else to_bytes(pictures, "floor")


def _packed(judgement: Judgement) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{name: each.astype(np.float32) for name, each in judgement._asdict().items()})
    return file.getvalue()


def _read(folder: Folder, name: str, count: int) -> Judgement | None:
    """What is kept; None if it's missing or damaged."""
    if not folder.exists(name):
        return None
    try:
        with np.load(io.BytesIO(folder.read(name)), allow_pickle=False) as arrays:
            found = Judgement(*(arrays[each].astype(np.float64) for each in Judgement._fields))
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError):
        return None
    return found if len(found.features) == count else None
