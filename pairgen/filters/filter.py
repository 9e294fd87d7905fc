"""What a filter is: it scores pairs against a reference, and a threshold turns scores into decisions.

    reference ─ fit ─► fitted filter ─ score(pairs) ─► scores [n] ─ decide(threshold) ─► keep [n], reason [n]
    held-out real samples, fpr ─ calibrate ─► threshold

Scores are stored once, under the digest of what they depend on (filter, options, reference). A decision
needs only the scores and a threshold, so a new threshold doesn't need the teacher or the reference.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from storage.plugins import Plugin
from storage.records import PairBatch

Scores = NDArray[np.float32] | NDArray[np.float64]


class FittedFilter(ABC):
    """A filter that has seen its reference: it holds real samples, so it is never written to disk."""

    @abstractmethod
    def score(self, pairs: PairBatch) -> Scores:
        """One finite number per pair, float32 or float64 [n]; a pair's score doesn't depend on the others."""

    @abstractmethod
    def calibrate(self, heldout: NDArray[Any], fpr: float) -> float:
        """The threshold that drops at most the share `fpr` of these real samples [n, *shape].

        The samples mustn't be part of the reference. `fpr` is the false-positive rate, 0 ≤ fpr < 1.
        """


class Filter(Plugin, ABC):
    """The options of one filter. What it drops follows from scores and threshold, nothing else."""

    # True: it drops copies of its reference, and the contract tests plant some. A filter of quality,
    # say by the distance of a sample from all real ones, leaves it False: it considers copies good.
    finds_copies: ClassVar[bool] = False

    @abstractmethod
    def fit(self, reference: NDArray[Any]) -> FittedFilter:
        """The filter for these real samples [m, *shape], which the kept pairs must not reveal."""

    @abstractmethod
    def decide(
        self, scores: Scores, threshold: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
        """Keep, bool [n], and the reason, text [n], empty if a pair is kept."""
