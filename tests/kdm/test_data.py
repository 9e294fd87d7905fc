"""Batches are a function of order, masks and position."""

import numpy as np
import pytest
import torch

from kdm.batch import Batch
from kdm.data import Position, Source, as_float, pairs_source, points_source
from storage.order import Order
from storage.records import PairBatch
from storage.store import LoadedPairs


def loaded(count: int, dropped: list[int], dtype: str = "float32") -> LoadedPairs:
    index = np.setdiff1d(np.arange(count), dropped)
    row_of_index = np.full(count, -1)
    row_of_index[index] = np.arange(len(index))
    x_T = np.stack([index, -index], 1).astype(np.float32)
    return LoadedPairs(PairBatch(index, x_T, (x_T / 2).astype(dtype), index % 3), row_of_index)


def source(count: int = 100, dropped: list[int] | None = None, batch_size: int = 8) -> Source:
    return pairs_source(loaded(count, dropped or []), seed=4, batch_size=batch_size)


def read(some: Source, num_batches: int) -> list[list[int]]:
    return [some.next_batch().index.tolist() for _ in range(num_batches)]


def equal(one: Batch, other: Batch) -> bool:
    names = ("index", "x_0", "x_T", "label")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def test_batches_follow_the_order_of_storage_across_epochs() -> None:
    order = Order(4, 100)
    expected = np.concatenate([order.epoch(epoch) for epoch in range(3)])
    assert np.concatenate(read(source(), 30)).tolist() == expected[:240].tolist()


def test_the_columns_of_a_batch_belong_to_its_indices() -> None:
    batch = source(dropped=[3, 50]).next_batch()
    assert torch.equal(batch.noise()[:, 0], batch.index.float())
    assert torch.equal(batch.x_0[:, 1], -batch.index / 2)
    assert batch.label is not None
    assert torch.equal(batch.label, batch.index % 3)


@pytest.mark.parametrize("num_read", range(40))
def test_a_source_that_goes_on_from_any_position_gives_the_same_batches(num_read: int) -> None:
    first, second = source(dropped=[0, 1, 7, 99]), source(dropped=[0, 1, 7, 99])
    read(first, num_read)
    second.seek(first.position)
    assert all(equal(first.next_batch(), second.next_batch()) for _ in range(15))
    assert first.position == second.position


def test_a_dropped_row_never_appears_and_every_batch_is_full() -> None:
    dropped = list(range(0, 100, 3))
    batches = read(source(dropped=dropped), 50)
    assert not set(dropped) & set(np.concatenate(batches).tolist())
    assert {len(batch) for batch in batches} == {8}


def test_position_counts_indices_before_masks() -> None:
    masked = source(dropped=Order(4, 100).epoch(0)[:10].tolist())
    masked.next_batch()
    assert masked.position == Position(0, 18)


def test_a_batch_larger_than_the_set_runs_through_several_epochs() -> None:
    (batch,) = read(source(count=5, dropped=[2], batch_size=11), 1)
    assert len(batch) == 11
    assert sorted(batch[:4]) == sorted(batch[4:8]) == [0, 1, 3, 4]


def test_a_source_without_a_kept_row_is_refused() -> None:
    with pytest.raises(ValueError, match="dropped them all"):
        source(count=4, dropped=[0, 1, 2, 3])


def test_bytes_become_minus_one_to_one_and_halves_keep_their_values() -> None:
    assert as_float(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]
    assert as_float(torch.tensor([0.25], dtype=torch.float16)).dtype == torch.float32
    batch = pairs_source(loaded(64, [], "float16"), seed=4, batch_size=8).next_batch()
    assert torch.equal(batch.x_0[:, 0], batch.index / 2)


def test_points_have_no_noise() -> None:
    points = np.arange(20, dtype=np.float32).reshape(10, 2)
    batch = points_source(points, seed=0, batch_size=4).next_batch()
    assert batch.x_T is None
    assert torch.equal(batch.x_0[:, 0], 2.0 * batch.index)
