"""truncation: the share of pairs that are further apart, so that a threshold is the dropped share."""

import numpy as np
import pytest

from pairgen.filters.truncation import Truncation
from storage.records import PairBatch

DRAWS = np.random.RandomState(0)
X_T = 3 * DRAWS.standard_normal((40, 2, 3)).astype(np.float32)
X_0 = DRAWS.standard_normal((40, 2, 3)).astype(np.float32)
PAIRS = PairBatch(np.arange(40), X_T, X_0)


def scores(pairs: PairBatch, **options) -> np.ndarray:
    return Truncation(**options).fit(np.empty(0)).score(pairs)


def l2(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b))


def l1(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).sum())


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return -float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("distance", [l2, l1, cosine])
@pytest.mark.parametrize("scale", [None, 0.5])
def test_the_score_is_the_share_of_pairs_that_are_further_apart(distance, scale):
    noise = X_T.astype(np.float64) / (scale or X_T.astype(np.float64).std())
    apart = np.array([distance(*pair) for pair in zip(noise, X_0.astype(np.float64), strict=True)])
    wanted = (apart[None] > apart[:, None]).mean(axis=1)
    assert np.array_equal(scores(PAIRS, distance=distance.__name__, scale=scale), wanted)


def test_of_pairs_that_are_as_far_apart_the_lower_index_counts_as_further():
    same = PairBatch(np.array([8, 2, 5, 1]), X_T[[0] * 4], X_0[[0] * 4])
    assert scores(same).tolist() == [0.75, 0.25, 0.5, 0.0]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.7])
def test_a_threshold_is_the_share_that_is_dropped(share):
    keep, reason = Truncation().decide(scores(PAIRS), Truncation().calibrate(scores(PAIRS), share))
    assert np.count_nonzero(~keep) == round(share * 40)
    assert set(reason[~keep]) <= {"truncation"}


def test_samples_without_noise_or_direction_have_scores_too():
    still = PairBatch(np.arange(3), np.zeros((3, 2)), np.array([[0.0, 0], [3, 0], [0, 1]]))
    assert scores(still).tolist() == [2 / 3, 0, 1 / 3]
    assert np.isfinite(scores(still, distance="cosine")).all()
    assert scores(PAIRS.take(slice(0, 0))).shape == (0,)
