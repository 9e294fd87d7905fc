"""The order of reading is a function of (seed, epoch, count, window) alone."""

import hashlib

import numpy as np
import pytest

from storage.reading.order import BLOCK, Order, Position

COUNTS = [1, 100, BLOCK, BLOCK + 1, 5 * BLOCK - 3, 40 * BLOCK, 49 * BLOCK - 1]


@pytest.mark.parametrize("count", COUNTS)
def test_each_epoch_is_a_permutation_of_the_count(count: int) -> None:
    order = Order(seed=1, count=count)
    for epoch in range(2):
        assert np.array_equal(np.sort(order.epoch(epoch)), np.arange(count))


def test_epochs_and_seeds_differ_and_repeat() -> None:
    order = Order(seed=1, count=5000)
    assert not np.array_equal(order.epoch(0), order.epoch(1))
    assert not np.array_equal(order.epoch(0), Order(seed=2, count=5000).epoch(0))
    assert np.array_equal(order.epoch(3), Order(seed=1, count=5000).epoch(3))


# What trained students rest on: 50,000 pairs in one window, and 500,000 in eight.
@pytest.mark.parametrize(
    ("count", "digest"), [(50_000, "2ff29aff80f7d1cb"), (500_000, "42131dcdf43c9da7")]
)
def test_the_numbers_of_the_order_never_change(count: int, digest: str) -> None:
    epoch = Order(seed=3, count=count).epoch(2).astype("<i8")
    assert hashlib.sha256(epoch.tobytes()).hexdigest()[:16] == digest


def test_the_order_of_points_is_the_one_that_teachers_were_always_trained_in() -> None:
    epoch = Order(seed=3, count=200_000, is_dealt=False).epoch(2).astype("<i8")
    assert hashlib.sha256(epoch.tobytes()).hexdigest()[:16] == "608ac39472eeb494"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("num_blocks", "bar"), [(13, 0.02), (16, 0.02), (17, 1.5 / 16), (40, 1.5 / 16), (64, 1.5 / 16)]
)
def test_neighbours_in_the_order_are_not_neighbours_in_the_store(
    num_blocks: int, bar: float, seed: int
) -> None:
    read = Order(seed, count=num_blocks * BLOCK).epoch(0)
    assert abs(np.corrcoef(read[:-1], read[1:])[0, 1]) <= bar


@pytest.mark.parametrize("num_blocks", [1, 2, 5, 16, 17, 33, 100])
def test_no_window_is_larger_than_its_blocks_and_none_is_a_mere_rest(num_blocks: int) -> None:
    order = Order(seed=4, count=num_blocks * BLOCK - 5)
    lengths = [-(-len(window) // BLOCK) for window in order.windows(0)]
    assert max(lengths) <= order.window
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("share", [0, 0.3, 0.999, 1])
def test_windows_from_a_position_are_the_rest_of_the_epoch(count: int, share: float) -> None:
    order, offset = Order(seed=1, count=count, window=4), int(share * count)
    windows = order.windows_from(Position(2, offset))
    rest = [np.empty(0, np.int64)]
    while (end := offset + sum(map(len, rest))) < count:
        window = next(windows)
        assert (window.epoch, window.offset) == (2, end)
        rest.append(window.index)
    assert np.array_equal(np.concatenate(rest), order.epoch(2)[offset:])
    following = next(windows)
    assert (following.epoch, following.offset) == (3, 0)


def test_a_position_far_into_a_huge_set_is_found_without_making_what_comes_before() -> None:
    order = Order(seed=1, count=10**9)
    window = next(order.windows_from(Position(7, 777_777_777)))
    assert window.offset == 777_777_777
    assert len(window.index) <= order.window * BLOCK
