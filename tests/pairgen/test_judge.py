"""Hostile filters: whatever they do, nothing passes unjudged."""

import numpy as np
import pytest

from pairgen.filters.decisions import decide
from pairgen.filters.fail_closed import FilterError
from pairgen.filters.filter import Filter, FittedFilter
from pairgen.filters.judge import Judge, fit_judge
from pairgen.filters.near_copy import NearCopy
from pairgen.filters.truncation import FittedTruncation, Truncation
from storage.errors import DamageError
from storage.records import PairBatch

REFERENCE = np.zeros((3, 2), np.float32)
PAIRS = PairBatch(np.arange(4), np.ones((4, 2), np.float32), np.ones((4, 2), np.float32))
SCORES = np.ones(4)


class Odd(Filter):
    """Scores and decides as it is told, by functions of (pairs) and (scores, threshold)."""

    plugin = "odd"

    def fit(self, reference):
        return OddFitted()

    def calibrate(self, scores, fpr):
        return float("nan")

    def decide(self, scores, threshold):
        return DECIDES[-1](scores)


class OddFitted(FittedFilter):
    def score(self, pairs):
        return SCORE[-1](pairs)


SCORE = [lambda pairs: np.ones(len(pairs))]
DECIDES = [lambda scores: (scores > 0, np.where(scores > 0, "", "bad"))]


def raising(*_):
    raise KeyError("weights")


def writing(pairs):
    pairs.x_0[:] = 9
    return np.ones(len(pairs))


def judge() -> Judge:
    return fit_judge(Odd(), REFERENCE)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (raising, "failed .KeyError: 'weights'."),
        (writing, "read-only"),
        (lambda pairs: np.ones(3), r"scores float64 \[3\] for 4 pairs"),
        (lambda pairs: np.ones((4, 1)), r"scores float64 \[4, 1\] for 4 pairs"),
        (lambda pairs: np.ones(4, np.int64), r"scores int64 \[4\]"),
        (lambda pairs: [1.0] * 4, "scores as list"),
        (lambda pairs: None, "scores as NoneType"),
        (lambda pairs: np.array([1, 1, np.nan, 1]), "row 2 the score nan"),
        (lambda pairs: np.array([1, np.inf, 1, 1]), "row 1 the score inf"),
    ],
)
def test_a_filter_that_does_not_score_each_pair_fails_by_name(score, said, monkeypatch):
    monkeypatch.setitem(globals(), "SCORE", [score])
    with pytest.raises(FilterError, match=f"filter 'odd' .*{said}"):
        judge().score(PAIRS)
    assert (PAIRS.x_0 == 1).all()


@pytest.mark.parametrize(
    ("decides", "said"),
    [
        (raising, "failed .KeyError"),
        (lambda scores: scores > 0, r"something other than \(keep, reason\)"),
        (lambda scores: (scores[:3] > 0, np.array([""] * 4)), r"keep bool \[3\]"),
        (lambda scores: (scores, np.array([""] * 4)), r"keep float64 \[4\]"),
        (lambda scores: (scores > 0, np.array([""] * 3)), r"reason <U1 \[3\]"),
        (lambda scores: (scores > 0, [""] * 4), "reason as list"),
        (lambda scores: (scores < 0, np.array([""] * 4)), "without a reason"),
        (lambda scores: (scores > 0, np.array(["bad"] * 4)), "kept one with a reason"),
    ],
)
def test_a_filter_that_does_not_decide_each_pair_fails_by_name(decides, said, monkeypatch):
    monkeypatch.setitem(globals(), "DECIDES", [decides])
    with pytest.raises(FilterError, match=f"filter 'odd' .*{said}"):
        decide(Odd(), SCORES, 0.5)


def test_a_threshold_that_is_no_number_fails_by_name():
    with pytest.raises(FilterError, match="filter 'odd' calibrated the threshold nan"):
        judge().calibrate(REFERENCE, fpr=0.1)


def test_a_filter_that_fits_to_something_else_fails_by_name(monkeypatch):
    monkeypatch.setattr(Odd, "fit", lambda self, reference: reference)
    with pytest.raises(FilterError, match="fitted to a ndarray"):
        judge()


def test_scores_that_were_stored_as_nan_are_not_decided():
    with pytest.raises(FilterError, match="row 0 the score nan"):
        decide(Odd(), np.array([np.nan]), 0.5)


def test_a_sound_filter_is_heard():
    scores = judge().score(PAIRS)
    assert scores.dtype == np.float64
    assert decide(Odd(), scores, 0.5).keep.all()


def test_a_filter_scores_bytes_as_the_numbers_that_they_stand_for():
    x_0 = np.array([[-1.0, 1.0], [0.2, -0.6]], np.float32)
    stored = np.rint(127.5 * x_0 + 127.5).astype(np.uint8)
    exact, rounded = (PairBatch(np.arange(2), x_0, each) for each in (x_0, stored))
    near_copy = fit_judge(NearCopy(), np.zeros((50, 2), np.float32))
    assert near_copy.score(rounded) == pytest.approx(near_copy.score(exact), abs=1e-2)


class Shards(list):
    """Pairs by shards, of which one may be damaged."""

    def read(self, shard):
        if self[shard] is None:
            raise DamageError("shard 1 isn't what was recorded")
        return self[shard]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (raising, "failed .KeyError: 'weights'."),
        (lambda self, shards: [np.ones(4)], "scores of 1 shards, and there are 2"),
        (lambda self, shards: np.ones((2, 4)), "scores of ndarray shards"),
        (lambda self, shards: [np.ones(4), np.ones(3)], r"\[3\] for 4 pairs"),
        (lambda self, shards: [np.ones(4), np.full(4, np.nan)], "row 0 the score nan"),
        (lambda self, shards: writing(shards.read(1)), "read-only"),
    ],
)
def test_a_filter_that_does_not_score_each_pair_of_a_set_fails_by_name(answer, said, monkeypatch):
    monkeypatch.setattr(FittedTruncation, "score_all", answer)
    with pytest.raises(FilterError, match=f"filter 'truncation' .*{said}"):
        fit_judge(Truncation()).score_all(Shards([PAIRS, PAIRS]))


def test_a_damaged_shard_is_not_the_fault_of_the_filter_that_reads_it():
    with pytest.raises(DamageError, match=r"^shard 1 isn't what was recorded$"):
        fit_judge(Truncation()).score_all(Shards([PAIRS, None]))


@pytest.mark.parametrize("rows", [np.zeros(3, np.int64), np.zeros(4), [0, 0, 0, 0]])
def test_a_filter_that_names_no_row_for_each_pair_fails_by_name(rows, monkeypatch):
    monkeypatch.setattr(OddFitted, "nearest", lambda *_: rows)
    with pytest.raises(
        FilterError, match="'odd' named no row of its reference for each of 4 pairs"
    ):
        fit_judge(Odd(), REFERENCE).nearest(PAIRS)


def test_a_filter_need_not_know_which_sample_is_near():
    assert fit_judge(Odd(), REFERENCE).nearest(PAIRS) is None
