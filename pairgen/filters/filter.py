"""What a filter is: it scores pairs against a reference, and a threshold turns scores to decisions.

Scores are stored once by what they depend on (filter, options, reference); a decision needs the
scores and a threshold only, so another threshold asks neither the teacher nor the reference.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of
from storage.plugins import Plugin, describe
from storage.records import PairBatch, content_digest

Scores = NDArray[np.float32] | NDArray[np.float64]


class FittedFilter(ABC):
    """A filter that has seen its reference; it lives in memory only and is never written."""

    @abstractmethod
    def score(self, pairs: PairBatch) -> Scores:
        """One finite number a pair, float32 or float64 [n]; it depends on no other pair."""

    @abstractmethod
    def calibrate(self, heldout: NDArray[Any], fpr: float) -> float:
        """The threshold that drops at most the share `fpr` of these real samples [n, *shape].

        The samples must be none of the reference. `fpr` is the false-positive rate, 0 ≤ fpr < 1.
        """


class Filter(Plugin, ABC):
    """The options of one filter. What it drops follows from scores and threshold, nothing else."""

    # True: it drops copies of its reference, and the contract tests plant some. A filter of quality,
    # say of how far a sample lies from all real ones, leaves it False: copies are good samples to it.
    finds_copies: ClassVar[bool] = False

    @abstractmethod
    def fit(self, reference: NDArray[Any]) -> FittedFilter:
        """The filter against the real samples [m, *shape] that must not be given away."""

    @abstractmethod
    def decide(
        self, scores: Scores, threshold: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
        """Keep, bool [n], and the reason, text [n], empty where a pair is kept."""


def reference_digest(reference: NDArray[Any]) -> str:
    """The digest of a reference's samples in their order; the samples cannot be had from it."""
    return content_digest({"index": np.arange(len(reference)), "x_0": np.asarray(reference)})


def score_digest(chosen: Filter, reference: str) -> str:
    """What scores depend on: the filter with its version and options, the reference's digest."""
    return digest_of({"filter": describe(chosen), "reference": reference})
