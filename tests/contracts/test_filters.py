"""Laws of every registered filter, on points of the checkerboard."""

import numpy as np
import pytest

from kdm.datasets.checkerboard import CheckerboardData
from pairgen.filters.decisions import decide
from pairgen.filters.judge import Judge, fit_judge
from storage.plugins import configure, describe, plugin_class, plugin_names
from storage.records import PairBatch

GROUP = "pairgen.filters"
NAMES = plugin_names(GROUP)
FINDERS = [name for name in NAMES if plugin_class(GROUP, name).finds_copies]
every_filter = pytest.mark.parametrize("name", NAMES)

DATA = CheckerboardData(num_train=2000, num_heldout=8000)
REFERENCE = DATA.train()
HELDOUT, FRESH = np.split(DATA.heldout(), 2)


def pairs(x_0: np.ndarray) -> PairBatch:
    return PairBatch(np.arange(len(x_0)), np.zeros_like(x_0), x_0)


def judge(name: str) -> Judge:
    return fit_judge(configure(GROUP, name), REFERENCE)


@every_filter
def test_scores_are_deterministic(name):
    assert np.array_equal(judge(name).score(pairs(FRESH)), judge(name).score(pairs(FRESH)))


@every_filter
@pytest.mark.parametrize("batch", [1, 7, 64])
def test_a_score_does_not_depend_on_its_batch(name, batch):
    fitted, some = judge(name), FRESH[:200]
    pieces = [fitted.score(pairs(some[row : row + batch])) for row in range(0, 200, batch)]
    assert np.array_equal(np.concatenate(pieces), fitted.score(pairs(some)))


@every_filter
def test_a_score_does_not_depend_on_the_order(name):
    fitted, order = judge(name), np.random.RandomState(0).permutation(len(FRESH))
    assert np.array_equal(fitted.score(pairs(FRESH[order])), fitted.score(pairs(FRESH))[order])


@pytest.mark.parametrize("name", FINDERS)
def test_planted_copies_are_found(name):
    fitted = judge(name)
    threshold = fitted.calibrate(HELDOUT, fpr=0.01)
    planted = fitted.score(pairs(REFERENCE[:300] + np.float32(1e-6)))
    assert not decide(fitted.chosen, planted, threshold).keep.any()


@every_filter
@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.1])
def test_the_stated_false_positive_rate_holds_on_fresh_real_points(name, fpr):
    fitted = judge(name)
    threshold = fitted.calibrate(HELDOUT, fpr)
    dropped = ~decide(fitted.chosen, fitted.score(pairs(FRESH)), threshold).keep
    # Two binomial errors, of the calibration and of this measurement; four standard deviations.
    slack = 4 * np.sqrt(max(fpr, 1 / len(FRESH)) * (1 / len(HELDOUT) + 1 / len(FRESH)))
    assert dropped.mean() <= fpr + slack


@every_filter
@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.1])
def test_calibration_drops_at_most_the_stated_share_of_what_it_saw(name, fpr):
    fitted = judge(name)
    threshold = fitted.calibrate(HELDOUT, fpr)
    decisions = decide(fitted.chosen, fitted.score(pairs(HELDOUT)), threshold)
    assert np.count_nonzero(~decisions.keep) <= np.floor(fpr * len(HELDOUT))


@every_filter
def test_a_rate_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="false-positive rate"):
        judge(name).calibrate(HELDOUT, fpr=1.0)


@every_filter
def test_scores_are_named_by_options_version_and_reference(name):
    other = fit_judge(configure(GROUP, name), REFERENCE[::-1])
    assert judge(name).score_digest == judge(name).score_digest != other.score_digest


@every_filter
def test_its_description_makes_it_again(name):
    chosen = configure(GROUP, name)
    assert configure(GROUP, describe(chosen)) == chosen
