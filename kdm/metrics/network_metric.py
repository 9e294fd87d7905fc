"""What metrics over Inception's features share: the network, the mode, the reference, the protocol."""

import zipfile
from collections.abc import Collection
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from kdm.metrics.feature_rows import Features
from kdm.metrics.frechet import FrechetTo
from kdm.metrics.metric import EstimatedMetric
from kdm.metrics.protocol import Protocol
from kdm.metrics.reference_statistics import read_moments
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import Mode, RealView, Seen, View
from kdm.pretrained import weights_file
from storage.plugins import describe

INCEPTION = "inception-2015-12-05.pt"
PYTORCH_FID = "pt_inception-2015-12-05-6726825d.pth"
CLASSES = 1_008  # of both
_CHANNELS = (1, 3)


class NetworkMetric(EstimatedMetric):
    """A metric over what Inception sees in samples from fresh noise; its file is in the weights folder."""

    needs: ClassVar[frozenset[str]] = frozenset({"network"})

    mode: Mode = "legacy_tensorflow"  # as EDM's fid.py and StyleGAN's, by which papers are compared

    _otherwise: ClassVar[str] = ""

    @property
    def view(self) -> View:
        """The pass that it shares with others."""
        return View(PYTORCH_FID if self.mode == "legacy_pytorch" else INCEPTION, self.mode)

    @property
    def real_set(self) -> str | None:
        """'train', 'heldout', the name of a file of statistics, or None if it needs no real pictures."""
        return None

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """A ValueError if samples aren't pictures, or a file is missing or isn't what it should be."""
        if len(shape) != 3 or shape[0] not in _CHANNELS:
            raise ValueError(
                f"metric '{self.plugin}' is for grey or coloured pictures, [1 or 3, H, W], not for "
                f"samples of shape {list(shape)}; leave it out of evaluation.metrics"
            )
        path = weights_file(
            self.view.network,
            of=f"metric '{self.plugin}'",
            otherwise="leave it out of evaluation.metrics; 'classifier-frechet' needs no file",
        )
        if not zipfile.is_zipfile(path):
            raise ValueError(
                f"{path} isn't a TorchScript file, or is cut off; put the published one there"
            )
        if self.real_set not in (None, "train", "heldout"):
            read_moments(
                weights_file(
                    str(self.real_set),
                    of=f"metric '{self.plugin}'",
                    otherwise="set reference to 'train' or 'heldout'",
                )
            )

    def require_real(self, splits: Collection[str]) -> None:
        """A ValueError if the data set lacks the split that it compares with."""
        if self.real_set in ("train", "heldout") and self.real_set not in splits:
            known = " and ".join(splits) or "no data set"
            raise ValueError(
                f"metric '{self.plugin}' compares with the real pictures of '{self.real_set}', and the "
                f"recipe has {known}; give dataset{self._otherwise}, or leave the metric out of "
                "evaluation.metrics"
            )

    def require_samples(self, count: int, num_features: int) -> None:
        """Raise a ValueError if so many samples of so many features are too few."""

    def seen(self, samples: EvaluationSamples) -> Seen:
        """What its network sees."""
        return samples.seen[self.view]

    def features(self, samples: EvaluationSamples) -> Features:
        """Of the student's samples, [m, d]."""
        return self.seen(samples).fresh.features

    def pictures(self, samples: EvaluationSamples) -> RealView:
        """The real pictures that it compares with."""
        assert self.real_set is not None  # a metric without them doesn't ask
        return self.seen(samples).real[self.real_set]

    def protocol(self, samples: EvaluationSamples, *, seed: int) -> Protocol:
        """All that its numbers depend on beside the generator."""
        seen, label = self.seen(samples), samples.fresh_label
        return Protocol(
            metric=describe(self) | {"version": self.version},
            num_samples=samples.num_fresh,
            num_classes=None if label is None else len(np.unique(label)),
            seed=seed,
            network=self.view.network,
            network_sha256=seen.sha256,
            mode=self.mode,
            quantised=True,
            reference=None if self.real_set is None else seen.real[self.real_set].of,
        )


class FrechetMetric(NetworkMetric):
    """One over a Fréchet distance, whose real pictures may be a file of published statistics."""

    # A split of the data set, or a file of statistics in the weights folder. Published FIDs of one
    # generator differ by two points between training and test pictures.
    reference: str = Field("train", pattern=r"^(train|heldout|[A-Za-z0-9][A-Za-z0-9._-]*\.npz)$")

    _otherwise: ClassVar[str] = ", set reference to a file of statistics in the weights folder"

    @property
    def real_set(self) -> str:
        """A split, or the name of a file."""
        return self.reference

    def require_samples(self, count: int, num_features: int) -> None:
        """A ValueError unless a covariance of as many features can have full rank."""
        self._require_rank(count, num_features, "samples")

    def to_real(self, samples: EvaluationSamples) -> FrechetTo:
        """The distance from real pictures; a ValueError if there are too few samples for it."""
        count, num_features = self.features(samples).shape
        self.require_samples(count, num_features)
        real = self.pictures(samples)
        if real.of.count is not None:
            self._require_rank(real.of.count, num_features, "real pictures")
        return real.frechet

    def _require_rank(self, count: int, num_features: int, whose: str) -> None:
        if count <= num_features:
            raise ValueError(
                f"{count:,} {whose} don't determine a covariance of {num_features:,} features; give at "
                f"least {num_features + 1:,} (evaluation.num_fresh, and twice as many training pairs), "
                "or measure kid, whose mean doesn't depend on the number"
            )


class SplitMetric(NetworkMetric):
    """One that needs the features of each real picture."""

    reference: Literal["train", "heldout"] = "train"

    @property
    def real_set(self) -> str:
        """The data set's split."""
        return self.reference

    def real_features(self, samples: EvaluationSamples) -> Features:
        """Of the real pictures, [m, d]."""
        found = self.pictures(samples).features
        assert found is not None  # a split has features
        return found
