"""Filters, fail-closed: what a filter does wrong ends the stage, and nothing passes unjudged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.filter import Filter, FittedFilter, reference_digest, score_digest
from storage.errors import StoreError
from storage.records import PairBatch, as_numbers


class FilterError(StoreError):
    """A filter raised, or returned what cannot be a judgement."""


@dataclass(frozen=True)
class Decisions:
    """keep bool [n]; reason text [n], empty where kept."""

    keep: NDArray[np.bool_]
    reason: NDArray[np.str_]


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
        with self._one_at_a_time, _named(self.chosen):
            scores = self.fitted.score(_read_only(pairs))
        _require_scores(self.chosen, scores, len(pairs))
        return scores.astype(np.float64)

    def calibrate(self, heldout: NDArray[Any], fpr: float) -> float:
        """The threshold with a false-positive rate of at most `fpr` on real held-out samples.

        Raises ValueError unless 0 ≤ fpr < 1 and there is a sample; FilterError as `score` does.
        """
        if not 0 <= fpr < 1 or len(heldout) == 0:
            raise ValueError(
                f"a false-positive rate of {fpr} cannot be calibrated on {len(heldout)} held-out "
                "samples; the rate lies in [0, 1) and one sample is the least"
            )
        with _named(self.chosen):
            threshold = float(self.fitted.calibrate(_frozen(as_numbers(heldout)), fpr))
        if not np.isfinite(threshold):
            raise _fault(self.chosen, f"calibrated the threshold {threshold}")
        return threshold


def fit_judge(chosen: Filter, reference: NDArray[Any]) -> Judge:
    """The filter fitted on real samples [m, *shape], which it sees read-only, bytes as -1 … 1."""
    with _named(chosen):
        fitted = chosen.fit(_frozen(as_numbers(reference)))
    if not isinstance(fitted, FittedFilter):
        raise _fault(chosen, f"fitted to a {type(fitted).__name__}, not a FittedFilter")
    return Judge(chosen, fitted, reference_digest(reference))


def decide(chosen: Filter, scores: NDArray[np.float64], threshold: float) -> Decisions:
    """Keep or drop, from stored scores alone; FilterError when the filter does not decide each."""
    _require_scores(chosen, scores, len(scores))
    with _named(chosen):
        answer = chosen.decide(_frozen(scores), threshold)
    if not (isinstance(answer, tuple) and len(answer) == 2):
        raise _fault(chosen, "decided with something else than (keep, reason)")
    keep, reason = answer
    _require(chosen, "keep", keep, "b", len(scores))
    _require(chosen, "reason", reason, "U", len(scores))
    if (keep != (reason == "")).any():
        raise _fault(chosen, "dropped a pair without a reason, or kept one with a reason")
    return Decisions(keep, reason)


def _require_scores(chosen: Filter, scores: Any, num_pairs: int) -> None:
    _require(chosen, "scores", scores, "f", num_pairs)
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise _fault(chosen, f"gave row {row} the score {scores[row]}")


def _require(chosen: Filter, name: str, array: Any, kind: str, num_pairs: int) -> None:
    if not isinstance(array, np.ndarray):
        raise _fault(chosen, f"returned {name} as {type(array).__name__}, not an array")
    if array.dtype.kind != kind or array.shape != (num_pairs,):
        raise _fault(
            chosen, f"returned {name} {array.dtype} {list(array.shape)} for {num_pairs} pairs"
        )


def _fault(chosen: Filter, what: str) -> FilterError:
    return FilterError(
        f"filter '{chosen.plugin}' {what}; nothing passes unjudged: mend the filter, or take it "
        "out of the recipe"
    )


@contextmanager
def _named(chosen: Filter) -> Iterator[None]:
    # A filter is foreign code and may raise anything; nothing is swallowed, only named.
    try:
        yield
    except Exception as error:
        raise _fault(chosen, f"failed ({type(error).__name__}: {error})") from error


def _read_only(pairs: PairBatch) -> PairBatch:
    """As a filter sees pairs: x_0 in the units of the reference, whatever its stored type."""
    label = None if pairs.label is None else _frozen(pairs.label)
    x_0 = as_numbers(pairs.x_0)
    return PairBatch(_frozen(pairs.index), _frozen(pairs.x_T), _frozen(x_0), label)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
