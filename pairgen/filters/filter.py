"""What a filter is: it scores pairs, and a threshold turns scores into decisions.

    reference ─ fit ─► fitted filter ─ score(pairs) ─► scores [n] ─ decide(threshold) ─► keep [n], reason [n]
    scores of held-out real samples, fpr ─ calibrate ─► threshold

Scores are stored once, under the digest of what they depend on (filter, options, reference). A decision
needs only the scores and a threshold, so a new threshold doesn't need the teacher or the reference.

A filter is its `fit` and its fitted filter's `score`; the rest follows from `drops`, the bad end of the
scores. A filter that judges a pair by the others of its split is a `SetFilter` (set_filter.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

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

    def without(self, rows: NDArray[np.int64]) -> "FittedFilter":
        """The same as if it had been fitted without these rows of its reference; if `can_leave_out`."""
        raise NotImplementedError("a filter with 'can_leave_out' defines 'without'")

    def nearest(self, pairs: PairBatch) -> NDArray[np.int64] | None:
        """The row of the reference that each pair's score comes from, int64 [n]; −1 of a pair without one.

        None of a filter that doesn't know: then whoever asks takes the nearest by pixels.
        """
        return None


class Filter(Plugin, ABC):
    """The options of one filter. What it drops follows from scores and threshold, nothing else."""

    # True: it drops copies of its reference, and the contract tests plant some. A filter of quality,
    # say by the distance of a sample from all real ones, leaves it False: it considers copies good.
    finds_copies: ClassVar[bool] = False
    # Which scores are dropped: those below the threshold, or those above it. One at the threshold is kept.
    drops: ClassVar[Literal["low", "high"]] = "low"
    # True: it looks at samples as pictures [1 or 3, H, W] and refuses anything else.
    needs_pictures: ClassVar[bool] = False
    # False: it looks at no real sample, and is fitted on an empty array.
    needs_reference: ClassVar[bool] = True
    # True: `without` of the fitted filter takes samples out faster than fitting it again (leave_one_out.py).
    can_leave_out: ClassVar[bool] = False
    # True: it drops samples that the set holds already, nearly, and keeps one with a lower index.
    finds_duplicates: ClassVar[bool] = False

    @abstractmethod
    def fit(self, reference: NDArray[Any]) -> FittedFilter:
        """The filter for these real samples [m, *shape], which the kept pairs must not reveal.

        They are at least one, and finite; a filter that needs no reference gets none of them.
        """

    def calibrate(self, scores: NDArray[np.float64], fpr: float) -> float:
        """The threshold that drops at most the share `fpr` of real samples with these scores [n].

        Of the sorted scores, the one with floor(fpr · n) worse ones. The samples mustn't be part of the
        reference. `fpr` is the false-positive rate, 0 ≤ fpr < 1.
        """
        worst_first = np.sort(scores if self.drops == "low" else -scores)
        found = float(worst_first[int(np.floor(fpr * len(scores)))])
        return found if self.drops == "low" else -found

    def decide(
        self, scores: NDArray[np.float64], threshold: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
        """Keep, bool [n], and the reason, text [n], empty if a pair is kept."""
        keep = scores >= threshold if self.drops == "low" else scores <= threshold
        return keep, np.where(keep, "", self.reason)

    @property
    def reason(self) -> str:
        """Why a pair is dropped, as counts and audits say it: the plugin's name unless it says more."""
        return self.plugin


def distinct_names(filters: Sequence[Filter]) -> list[str]:
    """Names of the filters; those of one plugin are numbered."""
    plugins = [each.plugin for each in filters]
    return [
        name if plugins.count(name) == 1 else f"{name} {plugins[: place + 1].count(name)}"
        for place, name in enumerate(plugins)
    ]
