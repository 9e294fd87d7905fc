"""A fitted filter whose every answer is checked (fail_closed.py), for use by several threads."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.digests import reference_digest, score_digest
from pairgen.filters.fail_closed import fault, frozen, named, require_scores
from pairgen.filters.filter import Filter, FittedFilter
from storage.records import PairBatch, as_numbers


@dataclass(frozen=True)
class Judge:
    """A fitted filter whose answers are checked; made by `fit_judge`."""

    chosen: Filter
    fitted: FittedFilter
    reference: str  # digest of the samples it was fitted on
    # Shards are judged by several threads, and a filter need not know of any.
    _one_at_a_time: Lock = field(default_factory=Lock, compare=False, repr=False)

    @property
    def score_digest(self) -> str:
        """The digest of all that its scores depend on."""
        return score_digest(self.chosen, self.reference)

    def score(self, pairs: PairBatch) -> NDArray[np.float64]:
        """One finite score a pair, float64 [n]; the filter sees the pairs read-only.

        Raises FilterError, with the filter's name, on anything else.
        """
        with self._one_at_a_time, named(self.chosen):
            scores = self.fitted.score(_read_only(pairs))
        require_scores(self.chosen, scores, len(pairs))
        return scores.astype(np.float64)

    def heldout_scores(self, heldout: NDArray[Any]) -> NDArray[np.float64]:
        """Scores [n] of real samples [n, *shape] that aren't part of the reference, as if they were pairs."""
        x_0 = np.asarray(heldout)
        return self.score(PairBatch(np.arange(len(x_0), dtype=np.int64), np.zeros_like(x_0), x_0))

    def calibrate(self, heldout: NDArray[Any], fpr: float) -> float:
        """The threshold with a false-positive rate of at most `fpr` on real held-out samples.

        Raises ValueError unless 0 ≤ fpr < 1 and there is a sample; FilterError as `score` does.
        """
        if not 0 <= fpr < 1 or len(heldout) == 0:
            raise ValueError(
                f"a false-positive rate of {fpr} cannot be calibrated on {len(heldout)} held-out "
                "samples; the rate must be in [0, 1), with at least one sample"
            )
        return threshold_at(self.chosen, self.heldout_scores(heldout), fpr)


def threshold_at(chosen: Filter, scores: NDArray[np.float64], fpr: float) -> float:
    """The threshold that a filter finds for scores [n] of real samples; FilterError unless it is finite."""
    with named(chosen):
        threshold = float(chosen.calibrate(frozen(scores), fpr))
    if not np.isfinite(threshold):
        raise fault(chosen, f"calibrated the threshold {threshold}")
    return threshold


def fit_judge(chosen: Filter, reference: NDArray[Any]) -> Judge:
    """The filter, fitted on real samples [m, *shape]; it sees them read-only, and bytes as -1 … 1.

    Raises FilterError if fitting fails or returns something else than a FittedFilter.
    """
    with named(chosen):
        fitted = chosen.fit(frozen(as_numbers(reference)))
    if not isinstance(fitted, FittedFilter):
        raise fault(chosen, f"fitted to a {type(fitted).__name__}, not a FittedFilter")
    return Judge(chosen, fitted, reference_digest(reference))


def _read_only(pairs: PairBatch) -> PairBatch:
    """As a filter sees pairs: x_0 in the units of the reference, for any stored type."""
    label = None if pairs.label is None else frozen(pairs.label)
    x_0 = as_numbers(pairs.x_0)
    return PairBatch(frozen(pairs.index), frozen(pairs.x_T), frozen(x_0), label)
