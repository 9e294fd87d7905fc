"""Noise and labels are pure functions of (seed, split, index)."""

import numpy as np
import pytest

from storage.noise import GOLDEN_NOISE, derive_labels, derive_noise, golden_noise_digest, split_code
from storage.records import LabelRule, NoiseRule

INDEX = np.arange(20, dtype=np.int64)


def test_the_noise_stream_is_the_frozen_one() -> None:
    assert golden_noise_digest() == GOLDEN_NOISE


def test_noise_depends_on_its_index_and_on_nothing_beside_it() -> None:
    whole = derive_noise(NoiseRule(seed=3), "train", INDEX, (3, 2))
    alone = derive_noise(NoiseRule(seed=3), "train", INDEX[11:12], (3, 2))
    assert whole.dtype == np.float32
    assert np.array_equal(whole[11:12], alone)


@pytest.mark.parametrize("other", [NoiseRule(seed=4), NoiseRule(seed=2**64 - 1)])
def test_another_seed_is_other_noise(other: NoiseRule) -> None:
    mine = derive_noise(NoiseRule(seed=3), "train", INDEX, (2,))
    assert not np.isclose(mine, derive_noise(other, "train", INDEX, (2,))).any()


def test_seeds_above_2_to_the_63_do_not_collide() -> None:
    first, second = (
        derive_noise(NoiseRule(seed=seed), "train", INDEX, (2,)) for seed in (2**63 + 1, 2**63 + 2)
    )
    assert not np.isclose(first, second).any()


def test_splits_never_share_noise() -> None:
    drawn = [derive_noise(NoiseRule(), split, INDEX, (2,)) for split in ("train", "heldout", "x")]
    assert not np.isclose(drawn[0], drawn[1]).any()
    assert not np.isclose(drawn[1], drawn[2]).any()
    assert (split_code("train"), split_code("heldout")) == (0, 1)


def test_the_scale_is_the_standard_deviation() -> None:
    unit = derive_noise(NoiseRule(), "train", INDEX, (500,))
    scaled = derive_noise(NoiseRule(scale=80.0), "train", INDEX, (500,))
    assert np.allclose(scaled, 80 * unit)
    assert abs(unit.std() - 1) < 0.03


def test_cycled_labels_are_balanced_in_every_prefix() -> None:
    labels = derive_labels(LabelRule(num_classes=3), seed=0, split="train", index=INDEX)
    counts = np.bincount(labels[:17])
    assert counts.max() - counts.min() <= 1


def test_uniform_labels_depend_on_their_index_alone() -> None:
    rule = LabelRule(rule="uniform", num_classes=10)
    whole = derive_labels(rule, seed=1, split="train", index=np.arange(1000))
    assert derive_labels(rule, seed=1, split="train", index=np.array([700]))[0] == whole[700]
    assert np.bincount(whole, minlength=10).min() > 60
