"""A fitted filter whose every answer is checked (fail_closed.py), for use by several threads."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.digests import NO_SAMPLES, reference_digest, score_digest
from pairgen.filters.fail_closed import (
    FilterError,
    fault,
    frozen,
    named,
    require_kind,
    require_numbers,
    require_reference,
    require_scores,
)
from pairgen.filters.filter import Filter, FittedFilter
from pairgen.filters.set_filter import FittedSetFilter, PairShards, SetFilter
from storage.records import PairBatch, as_numbers


@dataclass(frozen=True)
class Judge:
    """A fitted filter whose answers are checked; made by `fit_judge`."""

    chosen: Filter
    fitted: FittedFilter
    reference: str  # digest of the samples it was fitted on
    shape: tuple[int, ...] | None = None  # of one of these samples; None if it needs none
    # Shards are judged by several threads, and a filter need not know of any.
    _one_at_a_time: Lock = field(default_factory=Lock, compare=False, repr=False)

    @property
    def score_digest(self) -> str:
        """The digest of all that its scores depend on, but of other pairs, which a set filter sees."""
        return score_digest(self.chosen, self.reference)

    def score(self, pairs: PairBatch) -> NDArray[np.float64]:
        """One finite score a pair, float64 [n]; the filter sees the pairs read-only.

        Raises FilterError, with the filter's name, on anything else.
        """
        seen = self._seen(pairs)
        with self._one_at_a_time, named(self.chosen):
            scores = self.fitted.score(seen)
        require_scores(self.chosen, scores, len(pairs))
        return scores.astype(np.float64)

    def nearest(self, pairs: PairBatch) -> NDArray[np.int64] | None:
        """The row of the reference that each pair's score comes from, int64 [n]; −1 of a pair without one.

        None of a filter that doesn't know. Raises FilterError, with the filter's name, on anything else.
        """
        seen = self._seen(pairs)
        with self._one_at_a_time, named(self.chosen):
            rows = self.fitted.nearest(seen)
        if rows is not None and not (
            isinstance(rows, np.ndarray) and rows.dtype.kind == "i" and rows.shape == (len(pairs),)
        ):
            raise fault(
                self.chosen, f"named no row of its reference for each of {len(pairs)} pairs"
            )
        return rows

    def score_all(self, shards: PairShards) -> list[NDArray[np.float64]]:
        """The scores of a whole split by a set filter: for each shard one a pair, float64 [n].

        Raises FilterError, with the filter's name, on anything else; what reading raises, as it is.
        """
        assert isinstance(self.fitted, FittedSetFilter)  # `fit_judge` looked
        seen = _SeenShards(shards, self._seen)
        with self._one_at_a_time, named(self.chosen):
            found = self.fitted.score_all(seen)
        if not isinstance(found, list) or len(found) != len(shards):
            given = len(found) if isinstance(found, list) else type(found).__name__
            raise fault(self.chosen, f"gave scores of {given} shards, and there are {len(shards)}")
        for scores, num_pairs in zip(found, seen.lengths(), strict=True):
            require_scores(self.chosen, scores, num_pairs)
        return [scores.astype(np.float64) for scores in found]

    def _seen(self, pairs: PairBatch) -> PairBatch:
        """As a filter sees pairs: read-only, x_0 in the units of the reference, for any stored type."""
        shape = pairs.x_0.shape[1:]
        if self.shape not in (None, shape):
            raise FilterError(
                f"filter '{self.chosen.plugin}' was fitted on real samples {list(self.shape or ())} "
                f"and can't judge pairs {list(shape)}; give it a data set of the pairs' own shape "
                "and colours"
            )
        require_kind(self.chosen, shape, "the pairs")
        require_numbers(self.chosen, pairs)
        label = None if pairs.label is None else frozen(pairs.label)
        x_0 = as_numbers(pairs.x_0)
        return PairBatch(frozen(pairs.index), frozen(pairs.x_T), frozen(x_0), label)

    def heldout_scores(self, heldout: NDArray[Any]) -> NDArray[np.float64]:
        """Scores [n] of real samples [n, *shape] that aren't part of the reference, as if they were pairs."""
        x_0 = np.asarray(heldout)
        return self.score(PairBatch(np.arange(len(x_0), dtype=np.int64), np.zeros_like(x_0), x_0))

    def without(self, rows: NDArray[np.int64]) -> "Judge":
        """One that judges by the reference without these rows; of a filter with `can_leave_out` alone."""
        with named(self.chosen):
            fitted = self.fitted.without(frozen(rows))
        _require_fitted(self.chosen, fitted)
        return replace(self, fitted=fitted, _one_at_a_time=Lock())

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


def fit_judge(chosen: Filter, reference: NDArray[Any] | None = None) -> Judge:
    """The filter, fitted on real samples [m, *shape]; it sees them read-only, and bytes as -1 … 1.

    One that needs no reference is fitted on none, whatever it is given. Raises FilterError if samples are
    missing or unfit, or if fitting fails or returns something else than a FittedFilter.
    """
    if reference is None or not chosen.needs_reference:
        reference = NO_SAMPLES
    if chosen.needs_reference:
        require_reference(chosen, reference)
    with named(chosen):
        fitted = chosen.fit(frozen(as_numbers(reference)))
    _require_fitted(chosen, fitted)
    shape = reference.shape[1:] if chosen.needs_reference else None
    return Judge(chosen, fitted, reference_digest(reference), shape)


def _require_fitted(chosen: Filter, fitted: Any) -> None:
    wanted = FittedSetFilter if isinstance(chosen, SetFilter) else FittedFilter
    if not isinstance(fitted, wanted):
        raise fault(chosen, f"fitted to a {type(fitted).__name__}, not a {wanted.__name__}")


@dataclass(frozen=True)
class _SeenShards:
    """Shards as a filter may see them, and how many pairs each has."""

    shards: PairShards
    seen: Callable[[PairBatch], PairBatch]
    _lengths: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.shards)

    def read(self, shard: int) -> PairBatch:
        pairs = self.seen(self.shards.read(shard))
        self._lengths[shard] = len(pairs)
        return pairs

    def lengths(self) -> list[int]:
        """Of all shards; one that the filter left unread is read now."""
        for shard in set(range(len(self))) - self._lengths.keys():
            self.read(shard)
        return [self._lengths[shard] for shard in range(len(self))]
