"""Recall of planted copies: thresholds, shares and curves from given scores."""

from dataclasses import replace

import numpy as np
import pytest

from pairgen.filters.near_copy import NearCopy
from pairgen.filters.pixel_nn import PixelNN
from pairgen.planted.recall import CONTROL, TOGETHER, Rule, Scored, Share, mistakes, recall_of

STREAM = np.random.RandomState(0)
COPIES, HALF = np.full(100, -1.0), np.concatenate([np.full(50, -1.0), np.full(50, 9.0)])


def scored(filter_, name: str, **planted: np.ndarray) -> Scored:
    heldout = STREAM.uniform(size=4000)
    rule = Rule(filter_, 0.02, jointly=True)
    return Scored(name, rule, heldout, planted, STREAM.uniform(size=500))


FINDS_NOISE = scored(NearCopy(), "a", noise=COPIES, shift=HALF)
FINDS_SHIFTS = scored(PixelNN(), "b", noise=HALF[::-1], shift=COPIES)
RESULT = recall_of([FINDS_NOISE, FINDS_SHIFTS])
A, B, ALL, RANDOM = RESULT.found


def test_filters_find_together_what_either_finds():
    assert [each.name for each in RESULT.found] == ["a", "b", TOGETHER, CONTROL]
    assert A.recall == {"noise": Share(100, 100), "shift": Share(50, 100)}
    assert B.recall == {"noise": Share(50, 100), "shift": Share(100, 100)}
    assert ALL.recall == {"noise": Share(100, 100), "shift": Share(100, 100)}


def test_the_rate_is_measured_on_real_samples_that_did_not_calibrate():
    assert ALL.false_positives.of == 2000
    assert ALL.false_positives.value == pytest.approx(0.02, abs=0.01)
    assert A.false_positives.value == pytest.approx(0.01, abs=0.01)  # two filters share it
    assert ALL.pairs.of == 500
    assert ALL.pairs.value == pytest.approx(0.02, abs=0.025)


def test_scores_that_know_nothing_have_half_the_area():
    assert RANDOM.area.value == pytest.approx(0.5, abs=0.03 + 0.05)  # 200 copies
    assert A.area.value == pytest.approx(0.75, abs=0.01)


def test_a_share_has_the_exact_binomial_interval():
    assert Share(0, 100).interval == pytest.approx((0, 1 - 0.025 ** (1 / 100)))
    assert Share(100, 100).interval == pytest.approx((0.025 ** (1 / 100), 1))
    assert Share(0, 0).interval == (0, 1)


def test_a_threshold_is_the_recipes_own() -> None:
    stated = replace(FINDS_NOISE, rule=Rule(NearCopy(), threshold=0.5))
    alone = replace(FINDS_SHIFTS, rule=Rule(PixelNN(), fpr=0.1))
    found = recall_of([stated, alone]).found
    assert found[0].threshold == 0.5
    assert found[0].false_positives.value == pytest.approx(0.5, abs=0.05)
    assert found[1].false_positives.value == pytest.approx(0.1, abs=0.03)


def test_mistakes_are_those_of_all_filters_on_the_half_that_measures() -> None:
    bare = [replace(each, planted={}, pairs=np.empty(0)) for each in (FINDS_NOISE, FINDS_SHIFTS)]
    assert mistakes(bare) == ALL.false_positives
