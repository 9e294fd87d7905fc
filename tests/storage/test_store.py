"""A set grows by whole shards, records before manifests, and gives back what was written."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import LAYOUT, SPEC, filled_store, made_pairs, write_shard

from storage.errors import MismatchError
from storage.fs import Folder
from storage.order import Order
from storage.store import PairStore, differing_fields


def test_pairs_come_back_as_they_were_written(home: Folder) -> None:
    loaded = filled_store(home).load(1000)
    expected = made_pairs(np.delete(np.arange(1000), 7))
    assert np.array_equal(loaded.pairs.x_0, expected.x_0)
    assert np.array_equal(loaded.pairs.x_T, expected.x_T)
    assert loaded.row_of_index[7] == -1
    assert (loaded.row_of_index[8:] == np.arange(7, 999)).all()


def test_generated_sets_have_whole_shards_and_reading_takes_the_prefix(home: Folder) -> None:
    store = filled_store(home)
    assert store.manifest(1000).attempted == 1024
    assert store.manifest(1000).kept == 1023
    assert store.load(1000).pairs.index.max() == 999


def test_equal_columns_are_equal_bytes(home: Folder) -> None:
    names = [filled_store(home / each).shards.names() for each in "ab"]
    bytes_of = [[(home / e / "train" / LAYOUT / "shards").read(n) for n in names[0]] for e in "ab"]
    assert names[0] == names[1]
    assert bytes_of[0] == bytes_of[1]


def test_the_store_says_what_is_missing(home: Folder) -> None:
    store = filled_store(home)
    assert store.missing(1000) == []
    assert store.missing(1500) == [4, 5]
    store.shards.remove(store.record(2).file)
    assert store.missing(1000) == [2]


def test_a_shard_made_anew_takes_its_old_place(home: Folder) -> None:
    store = filled_store(home)
    before = store.shards.names()
    store.shards.remove(store.record(2).file)
    write_shard(store, 2)
    assert store.shards.names() == before
    assert store.damage() == []


def test_growth_leaves_a_pinned_reader_alone(home: Folder) -> None:
    reader = PairStore.open(filled_store(home).folder, split="train", layout=LAYOUT)
    pinned, before = reader.manifest(1000), reader.load(1000).pairs.x_0
    filled_store(home, 2000)
    assert reader.manifest(1000) == pinned
    assert np.array_equal(reader.load(1000).pairs.x_0, before)
    assert reader.manifests.names() == ["000004.json", "000008.json"]


def test_another_spec_at_the_same_address_is_refused_by_the_differing_field(home: Folder) -> None:
    filled_store(home)
    other = {**SPEC, "sampler": {"plugin": "none", "num_steps": 4}}
    with pytest.raises(MismatchError, match=r"differ in sampler\.num_steps"):
        PairStore.create(home, other, split="train", layout=LAYOUT)


def test_two_writers_at_once_leave_one_set(home: Folder) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = list(pool.map(lambda _: filled_store(home), range(2)))
    assert stores[0].damage() == []
    assert len(stores[0].shards.names()) == 4


def test_other_bytes_under_one_environment_are_a_loud_error(home: Folder) -> None:
    store = filled_store(home)
    wrong = made_pairs(store.indices(1))
    wrong.x_0[3, 0] += 1e-6
    with pytest.raises(MismatchError, match="not deterministic"):
        store.write(1, wrong, dropped={}, environment={"device": "cpu"})


def test_between_environments_the_first_committed_shard_stands(home: Folder) -> None:
    store = filled_store(home)
    before = store.record(1)
    other = made_pairs(store.indices(1))
    other.x_0[3, 0] += 1e-6
    assert store.write(1, other, dropped={}, environment={"device": "another"}) == before
    assert store.record(1) == before


@pytest.mark.parametrize("count", [900, 20_000])
def test_reading_by_windows_gives_the_order_without_dropped_rows(home: Folder, count: int) -> None:
    store = filled_store(home, count, "wds-4096")
    order = Order(seed=9, count=count, window=2)
    read = list(store.read(order, epoch=1))
    expected = order.epoch(1)
    assert np.array_equal(np.concatenate([window for window, _ in read]), expected)
    indices = np.concatenate([pairs.index for _, pairs in read])
    assert np.array_equal(indices, expected[expected != 7])


def test_a_reader_names_what_there_is_when_asked_for_too_much(home: Folder) -> None:
    store = filled_store(home)
    with pytest.raises(ValueError, match="holds 1,024 indices, asked for 5,000"):
        store.load(5000)
    with pytest.raises(ValueError, match="there are: train/wds-256"):
        PairStore.open(home, split="heldout", layout=LAYOUT)


@pytest.mark.parametrize("layout", ["wds-1000", "wds-", "tar", "zarr-4096"])
def test_a_layout_that_there_is_not_is_refused(home: Folder, layout: str) -> None:
    with pytest.raises(ValueError, match=r"power of two|no plugin"):
        PairStore.create(home, SPEC, split="train", layout=layout)


def test_differing_fields_are_named_by_their_path() -> None:
    assert differing_fields({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1}, "d": 4}) == [
        "a.c",
        "d",
    ]


def test_nothing_temporary_stays(home: Folder) -> None:
    filled_store(home)
    found = [name for _, _, names in os.walk(home.path) for name in names]
    assert not [name for name in found if name.startswith(".tmp")]
