"""Noise and labels are pure functions of (seed, split, index)."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.golden_noise import GOLDEN_NOISE, golden_noise_digest
from storage.noise import derive_labels, derive_noise, split_code
from storage.records import LabelRule, NoiseRule

INDEX = np.arange(20, dtype=np.int64)
seeds = st.integers(0, 2**64 - 1)
indices = st.lists(st.integers(0, 2**63 - 1), max_size=5)


def stream(seed: int, code: int, index: int, purpose: int) -> np.random.RandomState:
    """The generator of one sample, as docs/store.md writes it."""
    key = np.array([seed, code], np.uint64)
    counter = np.array([0, 0, index, purpose], np.uint64)
    return np.random.RandomState(np.random.Philox(key=key, counter=counter))


def test_the_noise_stream_is_the_frozen_one() -> None:
    assert golden_noise_digest() == GOLDEN_NOISE


@settings(deadline=None)  # a busy machine is no fault
@given(seed=seeds, index=indices, num_values=st.integers(1, 9), scale=st.floats(0.01, 100))
def test_noise_is_that_of_a_generator_made_anew_for_each_sample(seed, index, num_values, scale):
    drawn = derive_noise(
        NoiseRule(seed=seed, scale=scale), "x", np.array(index, np.int64), (num_values,)
    )
    normals = [stream(seed, split_code("x"), each, 0).standard_normal(num_values) for each in index]
    expected = np.array(normals).reshape(len(index), num_values) * scale
    assert drawn.tobytes() == expected.astype(np.float32).tobytes()


@settings(deadline=None)  # a busy machine is no fault
@given(seed=seeds, index=indices, num_classes=st.integers(1, 2**31))
def test_uniform_labels_are_those_of_a_generator_made_anew(seed, index, num_classes):
    rule = LabelRule(rule="uniform", num_classes=num_classes)
    drawn = derive_labels(rule, seed=seed, split="train", index=np.array(index, np.int64))
    assert drawn.tolist() == [stream(seed, 0, each, 1).randint(num_classes) for each in index]


def test_threads_draw_the_same_noise() -> None:
    def drawn(index: np.ndarray) -> np.ndarray:
        return derive_noise(NoiseRule(seed=3), "train", index, (3, 64, 64))

    with ThreadPoolExecutor(4) as threads:
        parts = list(threads.map(drawn, np.split(INDEX, 4)))
    assert np.array_equal(np.concatenate(parts), drawn(INDEX))


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
