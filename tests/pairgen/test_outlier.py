"""outlier: the distance to the nearest real sample, relative to what is usual about that one."""

import numpy as np
import pytest

from pairgen.filters.outlier import Outlier
from storage.records import PairBatch


def points(num_points: int, seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.RandomState(seed).standard_normal((num_points, *shape)).astype(np.float32)


def scores(reference: np.ndarray, x_0: np.ndarray, **options) -> np.ndarray:
    return Outlier(**options).fit(reference).score(PairBatch(np.arange(len(x_0)), x_0, x_0))


@pytest.mark.parametrize("shape", [(2,), (3, 6, 6)])
def test_the_score_is_the_distance_over_the_nearest_samples_own(shape):
    reference, x_0 = points(50, 0, shape), points(20, 1, shape)
    flat = reference.reshape(50, -1).astype(np.float64)
    own = np.linalg.norm(flat[:, None] - flat, axis=2)
    apart = np.linalg.norm(x_0.reshape(20, 1, -1) - flat, axis=2)
    radii = np.sort(own, axis=1)[:, 2]  # the first is itself
    wanted = apart.min(axis=1) / radii[apart.argmin(axis=1)]
    assert np.allclose(scores(reference, x_0, num_neighbours=2), wanted, rtol=1e-9)


def test_what_is_far_from_all_data_is_dropped_and_a_copy_is_kept():
    reference = points(200, 0, (2,))
    found = scores(reference, np.concatenate([reference[:1], [[9.0, 9.0]]]).astype(np.float32))
    keep, reason = Outlier().decide(found, threshold=3.0)
    assert found[0] == 0
    assert keep.tolist() == [True, False]
    assert reason.tolist() == ["", "outlier"]


@pytest.mark.parametrize("shape", [(2,), (3, 6, 6)])
def test_a_real_sample_that_is_stored_several_times_has_a_scale_too(shape):
    reference = points(60, 0, shape)
    reference[:5] = reference[0]
    found = scores(reference, reference[:1] + np.float32(0.01))
    assert 0 < found[0] < 1


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        (points(3, 0, (2,)), "3 real samples don't have 3 neighbours each"),
        (np.zeros((20, 2), np.float32), "nothing says what is far"),
    ],
)
def test_real_samples_that_have_no_scale_are_refused(reference, says):
    with pytest.raises(ValueError, match=says):
        Outlier().fit(reference)


def test_no_pairs_have_no_scores():
    assert scores(points(50, 0, (2,)), points(0, 1, (2,))).shape == (0,)
