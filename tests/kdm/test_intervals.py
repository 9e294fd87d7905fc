"""Intervals hold a known truth: the short form of the trial with 200 evaluations."""

import numpy as np
import pytest
from known_truths import EVALUATIONS, covered

from kdm.metrics.bootstrap import by_shares


@pytest.mark.parametrize("name", ["features", "neighbours"])
def test_most_intervals_hold_the_truth(name, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("known_truths.NUM_SAMPLES", 120)
    monkeypatch.setattr("kdm.metrics.bootstrap.resampled_mean", lambda *_: ())
    found = covered(EVALUATIONS[name], num_evaluations=40, num_for_truth=80)
    assert all(0.8 <= each.share <= 1 for each in found.values()), found


def test_classes_that_are_drawn_evenly_leave_no_chance_between_them():
    shares, label = np.repeat([0.0, 5.0], 50) + np.tile([0.1, -0.1], 50), np.repeat([0, 1], 50)
    within, mixed = by_shares(1.0, shares, label), by_shares(1.0, shares)
    assert within.high - within.low == pytest.approx(2 * 1.96 * 0.1 / 98**0.5, rel=1e-3)
    assert mixed.high - mixed.low > 10 * (within.high - within.low)
