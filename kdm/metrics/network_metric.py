"""What metrics over a network's features share: the network, the reference, the protocol."""

import re
import zipfile
from abc import abstractmethod
from collections.abc import Collection
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from kdm.metrics.bootstrap import Estimate, by_shares
from kdm.metrics.feature_rows import Features
from kdm.metrics.frechet import FrechetTo
from kdm.metrics.metric import EstimatedMetric
from kdm.metrics.protocol import Protocol
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.views import Mode, RealView, Seen, Sight, View
from kdm.pretrained import weights_file
from storage.plugins import describe

INCEPTION = "inception-2015-12-05.pt"
PYTORCH_FID = "pt_inception-2015-12-05-6726825d.pth"
NUM_FEATURES, CLASSES = 2_048, 1_008  # of both
SPLITS = ("train", "heldout")
_CHANNELS = (1, 3)
_STATISTICS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\.npz|-[0-9a-f]{12})")


class NetworkMetric(EstimatedMetric):
    """A metric over what a network sees in samples from fresh noise; its file is in the weights folder."""

    needs: ClassVar[frozenset[str]] = frozenset({"network"})

    _otherwise: ClassVar[str] = ""

    @property
    @abstractmethod
    def view(self) -> View:
        """The pass that it shares with others."""

    @property
    def real_set(self) -> str | None:
        """'train', 'heldout', the name of statistics, or None if it needs no real pictures."""
        return None

    def files(self) -> tuple[str, ...]:
        """The network's."""
        return (self.view.network,)

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """A ValueError if samples aren't pictures."""
        if len(shape) != 3 or shape[0] not in _CHANNELS:
            raise ValueError(
                f"metric '{self.plugin}' is for grey or coloured pictures, [1 or 3, H, W], not for "
                f"samples of shape {list(shape)}; leave it out of evaluation.metrics"
            )

    def require_files(self) -> None:
        """A ValueError if the network's file is missing or something else."""
        path = weights_file(
            self.view.network,
            of=f"metric '{self.plugin}'",
            otherwise="leave it out of evaluation.metrics; 'classifier-frechet' needs no file",
        )
        if path.suffix != ".pth" and not zipfile.is_zipfile(path):
            raise ValueError(
                f"{path} isn't a TorchScript file, or is cut off; put the published one there"
            )

    def require_real(self, splits: Collection[str]) -> None:
        """A ValueError if the data set lacks the split that it compares with."""
        if self.real_set in SPLITS and self.real_set not in splits:
            known = " and ".join(splits) or "no data set"
            raise ValueError(
                f"metric '{self.plugin}' compares with the real pictures of '{self.real_set}', and the "
                f"recipe has {known}; give dataset{self._otherwise}, or leave the metric out of "
                "evaluation.metrics"
            )

    def require_samples(self, count: int, num_features: int) -> None:
        """Raise a ValueError if so many samples of so many features are too few."""

    @abstractmethod
    def of(
        self, samples: EvaluationSamples, sight: Sight, label: NDArray[np.int64] | None
    ) -> dict[str, Estimate]:
        """The numbers of n pictures from their features [n, d] and classes `label` [n], if they have any."""

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """Those of the student's samples; a ValueError if there are too few."""
        sight = self.seen(samples).fresh
        self.require_samples(*sight.features.shape)
        return self.of(samples, sight, samples.fresh_label)

    def real(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """Those of real pictures that were held out, if they are enough and not compared with themselves."""
        sight = self.seen(samples).heldout
        if sight is None or self.real_set == "heldout":
            return {}
        try:
            self.require_samples(*sight.features.shape)
        except ValueError:
            return {}
        return self.of(samples, sight, None)

    def seen(self, samples: EvaluationSamples) -> Seen:
        """What its network sees."""
        return samples.seen[self.view]

    def pictures(self, samples: EvaluationSamples) -> RealView:
        """The real pictures that it compares with."""
        assert self.real_set is not None  # a metric without them doesn't ask
        return self.seen(samples).real[self.real_set]

    def protocol(self, samples: EvaluationSamples, *, seed: int) -> Protocol:
        """All that its numbers depend on beside the generator."""
        seen, label = self.seen(samples), samples.fresh_label
        is_known = self.view.network in (INCEPTION, PYTORCH_FID)
        return Protocol(
            metric=describe(self) | {"version": self.version},
            num_samples=samples.num_fresh,
            num_classes=None if label is None else len(np.unique(label)),
            seed=seed,
            network=self.view.network,
            network_sha256=seen.sha256,
            num_features=None if is_known else seen.fresh.features.shape[1],
            mode=self.view.mode,
            quantised=True,
            reference=None if self.real_set is None else seen.real[self.real_set].of,
        )


class InceptionMetric(NetworkMetric):
    """One over Inception, in either published form."""

    mode: Mode = "legacy_tensorflow"  # as EDM's fid.py and StyleGAN's, by which papers are compared

    @property
    def view(self) -> View:
        """Inception in this mode."""
        return View(PYTORCH_FID if self.mode == "legacy_pytorch" else INCEPTION, self.mode)


def _require_reference(name: str) -> str:
    if name not in SPLITS and not _STATISTICS.fullmatch(name):
        raise ValueError(
            f"'{name[:80]}' isn't a reference; give train or heldout (a split of the recipe's data set), "
            "NAME.npz (statistics in the weights folder), or NAME-DIGEST of `kdm evaluate reference`"
        )
    return name


class FrechetMetric(NetworkMetric):
    """One over a Fréchet distance, whose real pictures may be known by their statistics alone."""

    # A split of the data set, a file of statistics in the weights folder, or the name of statistics that
    # `kdm evaluate reference` left in the home. Published FIDs of one generator differ by two points
    # between training and test pictures.
    reference: Annotated[str, AfterValidator(_require_reference)] = "train"

    _otherwise: ClassVar[str] = ", set reference to statistics"

    @property
    def real_set(self) -> str:
        """A split, or the name of statistics."""
        return self.reference

    def files(self) -> tuple[str, ...]:
        """The network's, and the statistics' if they are one in the weights folder."""
        return (*super().files(), *([self.reference] if self.reference.endswith(".npz") else []))

    def require_files(self) -> None:
        """A ValueError also if the file of statistics is missing."""
        super().require_files()
        if self.reference.endswith(".npz"):
            weights_file(
                self.reference,
                of=f"metric '{self.plugin}'",
                otherwise="set reference to 'train' or 'heldout'",
            )

    def require_samples(self, count: int, num_features: int) -> None:
        """A ValueError unless a covariance of as many features can have full rank."""
        if count <= num_features:
            raise ValueError(
                f"{count:,} samples don't determine a covariance of {num_features:,} features; give at "
                f"least {num_features + 1:,} (evaluation.num_fresh, and twice as many training pairs), "
                "or measure kid, whose mean doesn't depend on the number"
            )

    def distance(
        self, samples: EvaluationSamples, sight: Sight, label: NDArray[np.int64] | None
    ) -> Estimate:
        """d² between the features [n, d] of `sight` and those of real pictures; `label` is [n]."""
        found = self.to_real(samples).compared(sight.features)
        sure = by_shares(found.value, found.shares, label)
        return sure._replace(low=max(sure.low, 0.0))  # no distance is below 0

    def to_real(self, samples: EvaluationSamples) -> FrechetTo:
        """The distance from real pictures; a ValueError if there are too few of them."""
        real = self.pictures(samples)
        require_real_count(real.of.count, self.seen(samples).fresh.features.shape[1])
        return real.frechet


class SplitMetric(NetworkMetric):
    """One that needs the features of each real picture."""

    reference: Literal["train", "heldout"] = "train"  # which split of the data set is compared with

    @property
    def real_set(self) -> str:
        """The data set's split."""
        return self.reference

    def real_features(self, samples: EvaluationSamples) -> Features:
        """Of the real pictures, [m, d]."""
        found = self.pictures(samples).features
        assert found is not None  # a split has features
        return found


def require_real_count(count: int | None, num_features: int) -> None:
    """A ValueError if so many real pictures don't determine a covariance; None: nobody knows."""
    if count is not None and count <= num_features:
        raise ValueError(
            f"{count:,} real pictures don't determine a covariance of {num_features:,} features; compare "
            f"with at least {num_features + 1:,} (reference), or measure kid"
        )
