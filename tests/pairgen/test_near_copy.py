"""near-copy: exact distances, and its threshold's rule."""

import numpy as np
import pytest

from pairgen.filters.near_copy import NearCopy
from storage.records import PairBatch


def points(num_points: int, seed: int, shape: tuple[int, ...] = (2,)) -> np.ndarray:
    return np.random.RandomState(seed).standard_normal((num_points, *shape)).astype(np.float32)


def pairs(x_0: np.ndarray) -> PairBatch:
    return PairBatch(np.arange(len(x_0)), x_0, x_0)


@pytest.mark.parametrize("shape", [(2,), (3, 2, 2), (3, 6, 6)])
def test_the_score_is_the_distance_to_the_nearest_reference_point(shape):
    reference, x_0 = points(50, 0, shape), points(20, 1, shape)
    differences = x_0[:, None].astype(np.float64) - reference[None]
    nearest = np.sqrt((differences**2).reshape(20, 50, -1).sum(axis=2)).min(axis=1)
    assert np.allclose(NearCopy().fit(reference).score(pairs(x_0)), nearest, rtol=1e-12)


@pytest.mark.parametrize("shape", [(2,), (3, 6, 6)])
def test_a_copy_scores_zero_and_is_dropped_as_a_near_copy(shape):
    reference = points(50, 0, shape)
    scores = NearCopy().fit(reference).score(pairs(reference[:3]))
    keep, reason = NearCopy().decide(scores, threshold=1e-9)
    assert scores.tolist() == [0, 0, 0]
    assert not keep.any()
    assert set(reason) == {"near-copy"}


def test_a_pair_at_the_threshold_is_kept():
    keep, reason = NearCopy().decide(np.array([0.1, 0.2, 0.3]), threshold=0.2)
    assert keep.tolist() == [False, True, True]
    assert reason.tolist() == ["near-copy", "", ""]


@pytest.mark.parametrize(("fpr", "rank"), [(0.0, 0), (0.049, 4), (0.05, 5), (0.999, 99)])
def test_the_threshold_is_the_heldout_distance_with_that_share_below_it(fpr, rank):
    distances = NearCopy().fit(points(50, 0)).score(pairs(points(100, 1)))
    assert NearCopy().calibrate(distances, fpr) == np.sort(distances)[rank]


def test_no_pairs_have_no_scores():
    assert NearCopy().fit(points(50, 0)).score(pairs(points(0, 1))).shape == (0,)


@pytest.mark.parametrize("reference", [np.zeros((0, 2)), np.array([[0.0, np.nan]])])
def test_a_reference_that_cannot_be_searched_is_refused(reference):
    with pytest.raises(ValueError, match="at least one sample and finite values"):
        NearCopy().fit(reference)


@pytest.mark.parametrize("shape", [(2,), (3, 6, 6)])
def test_the_nearest_reference_point_is_named(shape):
    reference, x_0 = points(50, 0, shape), points(20, 1, shape)
    differences = (x_0[:, None].astype(np.float64) - reference[None]) ** 2
    rows = differences.reshape(20, 50, -1).sum(axis=2).argmin(axis=1)
    assert NearCopy().fit(reference).nearest(pairs(x_0)).tolist() == rows.tolist()
