"""The order of reading is a function of (seed, epoch, count, window) alone."""

import numpy as np
import pytest

from storage.order import BLOCK, Order


@pytest.mark.parametrize("count", [1, 100, BLOCK, BLOCK + 1, 5 * BLOCK - 3, 40 * BLOCK])
def test_each_epoch_is_a_permutation_of_the_count(count: int) -> None:
    order = Order(seed=1, count=count)
    for epoch in range(2):
        assert np.array_equal(np.sort(order.epoch(epoch)), np.arange(count))


def test_epochs_and_seeds_differ_and_repeat() -> None:
    order = Order(seed=1, count=5000)
    assert not np.array_equal(order.epoch(0), order.epoch(1))
    assert not np.array_equal(order.epoch(0), Order(seed=2, count=5000).epoch(0))
    assert np.array_equal(order.epoch(3), Order(seed=1, count=5000).epoch(3))


@pytest.mark.parametrize(("num_blocks", "bar"), [(13, 0.02), (64, 1.5 / 16)])
def test_neighbours_in_the_order_are_not_neighbours_in_the_store(
    num_blocks: int, bar: float
) -> None:
    read = Order(seed=4, count=num_blocks * BLOCK).epoch(0)
    assert abs(np.corrcoef(read[:-1], read[1:])[0, 1]) <= bar
