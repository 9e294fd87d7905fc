"""outlier: the distance to the nearest real sample, of which the far end is dropped."""

import numpy as np
import pytest

from pairgen.filters.outlier import Outlier
from storage.records import PairBatch


def points(num_points: int, seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.RandomState(seed).standard_normal((num_points, *shape)).astype(np.float32)


def scores(reference: np.ndarray, x_0: np.ndarray) -> np.ndarray:
    return Outlier().fit(reference).score(PairBatch(np.arange(len(x_0)), x_0, x_0))


@pytest.mark.parametrize("shape", [(2,), (3, 6, 6)])
def test_the_score_is_the_distance_to_the_nearest_real_sample(shape):
    reference, x_0 = points(50, 0, shape), points(20, 1, shape)
    apart = x_0.reshape(20, 1, -1).astype(np.float64) - reference.reshape(50, -1)
    wanted = np.sqrt((apart**2).sum(axis=2)).min(axis=1)
    assert np.allclose(scores(reference, x_0), wanted, rtol=1e-12)


def test_what_is_far_from_all_data_is_dropped_and_a_copy_is_kept():
    reference = points(200, 0, (2,))
    found = scores(reference, np.concatenate([reference[:1], [[9.0, 9.0]]]).astype(np.float32))
    keep, reason = Outlier().decide(found, Outlier().calibrate(found[:1], fpr=0.0))
    assert keep.tolist() == [True, False]
    assert reason.tolist() == ["", "outlier"]


def test_a_flat_picture_is_judged_by_its_distance():
    reference = points(30, 0, (3, 8, 8))
    flat = np.stack([np.full((3, 8, 8), level, np.float32) for level in (0, 5)])
    found = scores(reference, flat)
    assert 5 < found[0] < 20 < found[1]
