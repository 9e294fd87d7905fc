"""The digits: exact values, and a split fixed by index."""

import numpy as np
import pytest

from kdm.datasets import digits
from kdm.datasets.digits import HELDOUT_STEP, DigitsData
from storage.digest import sha256_of
from storage.options import parse

DATA = DigitsData()


def test_values_are_exact_eighths_on_minus_one_to_one():
    train = DATA.train()
    assert (train.dtype, train.shape[1:]) == (np.float32, DATA.shape)
    assert (train.min(), train.max()) == (-1, 1)
    assert np.array_equal(train * 8, np.rint(train * 8))


def test_every_seventh_digit_is_held_out_and_each_stands_in_one_split():
    whole = np.empty((1797, *DATA.shape), np.float32)
    is_heldout = np.arange(1797) % HELDOUT_STEP == HELDOUT_STEP - 1
    whole[is_heldout], whole[~is_heldout] = DATA.heldout(), DATA.train()
    assert (len(DATA.train()), len(DATA.heldout())) == (1541, 256)
    assert sha256_of(whole.tobytes())[:16] == "8aa4a98f227fcb6c"


def test_labels_stand_beside_their_digits():
    assert (len(DATA.labels()), len(DATA.labels("heldout"))) == (1541, 256)
    assert np.bincount(DATA.labels("heldout"), minlength=DATA.num_classes).min() >= 18
    mean = np.stack([DATA.train()[DATA.labels() == each].mean(0) for each in range(10)])
    apart = ((DATA.heldout()[:, None] - mean) ** 2).sum((2, 3, 4))
    assert (apart.argmin(1) == DATA.labels("heldout")).mean() > 0.88  # by the nearest mean


def test_the_digest_is_frozen():
    assert DATA.digest()[:16] == "cf06d3f43042047e"


def test_other_digits_than_those_of_the_digest_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(digits, "_CONTENT", "0" * 64)
    digits._digits.cache_clear()
    with pytest.raises(ValueError, match=r"scikit-learn's digits .* are not those"):
        DATA.train()


def test_a_scikit_learn_without_them_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(digits, "_FILE", "datasets/data/digits.npz")
    digits._digits.cache_clear()
    with pytest.raises(ValueError, match=r"its file datasets/data/digits.npz, are not here"):
        DATA.train()


def test_the_digits_are_read_by_their_kind():
    assert parse(DigitsData, {"kind": "digits"}, "data set") == DATA
    with pytest.raises(ValueError, match="unknown key 'num_train'"):
        parse(DigitsData, {"num_train": 3}, "data set")
