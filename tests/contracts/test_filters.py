"""Laws of every registered filter, on points of the checkerboard or, if it needs pictures, on textures."""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from random_textures import textures

from kdm.datasets.checkerboard import CheckerboardData
from pairgen.filters.decisions import decide
from pairgen.filters.judge import Judge, fit_judge
from storage.plugins import configure, describe, plugin_class, plugin_names
from storage.records import PairBatch

GROUP = "pairgen.filters"
NAMES = plugin_names(GROUP)
FINDERS = [name for name in NAMES if plugin_class(GROUP, name).finds_copies]
every_filter = pytest.mark.parametrize("name", NAMES)


class Real(NamedTuple):
    """Real samples: the reference, those that calibrate, and others."""

    reference: np.ndarray
    heldout: np.ndarray
    fresh: np.ndarray


@cache
def points() -> Real:
    data = CheckerboardData(num_train=2000, num_heldout=8000)
    return Real(data.train(), *np.split(data.heldout(), 2))


@cache
def pictures() -> Real:
    return Real(textures(500, 0), textures(400, 1), textures(400, 2))


def real(name: str) -> Real:
    return pictures() if plugin_class(GROUP, name).needs_pictures else points()


def pairs(x_0: np.ndarray) -> PairBatch:
    return PairBatch(np.arange(len(x_0)), np.zeros_like(x_0), x_0)


@cache
def judge(name: str) -> Judge:
    return fit_judge(configure(GROUP, name), real(name).reference)


@every_filter
def test_scores_are_deterministic(name):
    again = fit_judge(configure(GROUP, name), real(name).reference)
    some = pairs(real(name).fresh[:300])
    assert np.array_equal(judge(name).score(some), again.score(some))


@every_filter
@pytest.mark.parametrize(("batch", "num"), [(1, 12), (7, 100), (64, 200)])
def test_a_score_does_not_depend_on_its_batch(name, batch, num):
    fitted, some = judge(name), real(name).fresh[:num]
    pieces = [fitted.score(pairs(some[row : row + batch])) for row in range(0, num, batch)]
    assert np.array_equal(np.concatenate(pieces), fitted.score(pairs(some)))


@every_filter
def test_a_score_does_not_depend_on_the_order(name):
    fitted, some = judge(name), real(name).fresh[:200]
    order = np.random.RandomState(0).permutation(len(some))
    assert np.array_equal(fitted.score(pairs(some[order])), fitted.score(pairs(some))[order])


@pytest.mark.parametrize("name", FINDERS)
def test_planted_copies_are_found(name):
    fitted = judge(name)
    threshold = fitted.calibrate(real(name).heldout, fpr=0.01)
    planted = fitted.score(pairs(real(name).reference[:300] + np.float32(1e-6)))
    assert not decide(fitted.chosen, planted, threshold).keep.any()


@every_filter
@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.1])
def test_the_stated_false_positive_rate_holds_on_fresh_real_points(name, fpr):
    fitted = judge(name)
    threshold = fitted.calibrate(real(name).heldout, fpr)
    dropped = ~decide(fitted.chosen, fitted.score(pairs(real(name).fresh)), threshold).keep
    # Two binomial errors, of the calibration and of this measurement; four standard deviations.
    slack = 4 * np.sqrt(
        max(fpr, 1 / len(real(name).fresh))
        * (1 / len(real(name).heldout) + 1 / len(real(name).fresh))
    )
    assert dropped.mean() <= fpr + slack


@every_filter
@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.1])
def test_calibration_drops_at_most_the_stated_share_of_what_it_saw(name, fpr):
    fitted = judge(name)
    threshold = fitted.calibrate(real(name).heldout, fpr)
    decisions = decide(fitted.chosen, fitted.score(pairs(real(name).heldout)), threshold)
    assert np.count_nonzero(~decisions.keep) <= np.floor(fpr * len(real(name).heldout))


@every_filter
def test_a_rate_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="false-positive rate"):
        judge(name).calibrate(real(name).heldout, fpr=1.0)


@every_filter
def test_scores_are_named_by_options_version_and_reference(name):
    same, other = (
        fit_judge(configure(GROUP, name), real(name).reference[rows])
        for rows in (slice(None), slice(None, None, -1))
    )
    assert judge(name).score_digest == same.score_digest != other.score_digest


@every_filter
def test_its_description_makes_it_again(name):
    chosen = configure(GROUP, name)
    assert configure(GROUP, describe(chosen)) == chosen
