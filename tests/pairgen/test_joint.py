"""Several filters that share one false-positive rate."""

import numpy as np
import pytest

from pairgen.filters.exact import Exact
from pairgen.filters.joint import joint_thresholds
from pairgen.filters.near_copy import NearCopy
from pairgen.filters.pixel_nn import PixelNN

STREAM = np.random.RandomState(0)
LOW, OTHER_LOW = STREAM.uniform(size=(2, 1000))


def dropped(scores: list[np.ndarray], thresholds: tuple[float, ...]) -> int:
    """How many of 1,000 have a score below its threshold."""
    return int(np.any([s < t for s, t in zip(scores, thresholds, strict=True)], axis=0).sum())


@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.1])
def test_together_they_drop_as_much_as_one_may(fpr):
    found = joint_thresholds([NearCopy(), PixelNN()], [LOW, OTHER_LOW], fpr)
    together = dropped([LOW, OTHER_LOW], found.thresholds)
    assert 1000 * fpr - 2 < together <= 1000 * fpr  # the next rate adds at most two
    assert fpr / 2 <= found.rate + 1e-9 <= fpr + 1e-9


def test_filters_that_agree_each_have_the_whole_rate():
    found = joint_thresholds([NearCopy(), PixelNN()], [LOW, LOW], 0.1)
    assert found.rate == 0.1
    assert found.thresholds == (np.sort(LOW)[100],) * 2


def test_a_filter_whose_threshold_is_fixed_keeps_it():
    copies = (np.arange(1000) < 3).astype(float)
    found = joint_thresholds([Exact(), NearCopy()], [copies, LOW], 0.01)
    assert found.thresholds[0] == 0.5
    assert dropped([LOW], found.thresholds[1:]) == pytest.approx(7, abs=1)
