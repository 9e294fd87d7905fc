"""A set grows by whole shards, records before manifests, and gives back what was written."""

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import LAYOUT, SPEC, filled_store, made_pairs, write_shard

from storage.care.verify import faults
from storage.differing_fields import differing_fields
from storage.errors import MismatchError
from storage.folders import Folder, folder_at
from storage.folders.local_folder import LocalFolder
from storage.records import PairBatch
from storage.store import PairStore

LAYOUTS = ("wds-256", "zarr-256")


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_pairs_come_back_as_they_were_written(home: Folder, layout: str) -> None:
    loaded = filled_store(home, layout=layout).load(1000)
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


def test_equal_columns_are_equal_bytes(home: Folder, layout: str) -> None:
    first, second = (filled_store(home / each, layout=layout).shards for each in "ab")
    names = list(first.files())
    assert names == list(second.files())
    assert first.read_many(names) == second.read_many(names)


def test_the_store_says_what_is_missing(home: Folder, layout: str) -> None:
    store = filled_store(home, layout=layout)
    assert store.missing(1000) == []
    assert store.missing(1500) == [4, 5]
    store.shards.remove(store.record(2).shard_file.names[-1])
    assert store.missing(1000) == [2]


def test_a_shard_made_anew_takes_its_old_place(home: Folder, layout: str) -> None:
    store = filled_store(home, layout=layout)
    before = list(store.shards.files())
    store.shards.remove(store.record(2).shard_file.names[-1])
    write_shard(store, 2)
    assert list(store.shards.files()) == before
    assert faults(store, deep=True) == []


def test_growth_leaves_a_pinned_reader_alone(home: Folder) -> None:
    reader = PairStore.open(filled_store(home).folder, split="train", layout=LAYOUT)
    pinned, before = reader.manifest(1000), reader.load(1000).pairs.x_0
    filled_store(home, 2000)
    assert reader.manifest(1000) == pinned
    assert np.array_equal(reader.load(1000).pairs.x_0, before)
    assert reader.ledger.manifests.names() == ["000004.json", "000008.json"]


def test_another_spec_at_the_same_address_is_refused_by_the_differing_field(home: Folder) -> None:
    filled_store(home)
    other = {**SPEC, "sampler": {"plugin": "none", "num_steps": 4}}
    with pytest.raises(MismatchError, match=r"differ in sampler\.num_steps"):
        PairStore.create(home, other, split="train", layout=LAYOUT)


def test_two_writers_at_once_leave_one_set(home: Folder, layout: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        stores = list(pool.map(lambda _: filled_store(home, layout=layout), range(2)))
    assert faults(stores[0], deep=True) == []
    assert stores[0].missing(1000) == []


def test_other_bytes_under_one_environment_are_a_loud_error(home: Folder) -> None:
    store = filled_store(home)
    wrong = made_pairs(store.indices(1))
    wrong.x_0[3, 0] += 1e-6
    with pytest.raises(MismatchError, match="not deterministic"):
        store.write(1, wrong, dropped={}, environment={"device": "cpu"})


def other_pairs(index: np.ndarray) -> PairBatch:
    """As another machine may make them."""
    other = made_pairs(index)
    other.x_0[3, 0] += 1e-6
    return other


def test_between_environments_the_first_committed_shard_stands(home: Folder, layout: str) -> None:
    store = filled_store(home, layout=layout)
    before = store.record(1)
    other = other_pairs(store.indices(1))
    assert store.write(1, other, dropped={}, environment={"device": "another"}) == before
    assert faults(store, deep=True) == []


def test_what_no_record_vouches_for_gives_way(home: Folder, layout: str) -> None:
    store = filled_store(home, layout=layout)
    before = store.record(1)
    other = store.files.layout.format.encode(
        1, other_pairs(store.indices(1)).columns(store.schema), store.schema, store.shard_size
    )
    store.records_folder.remove("000001.json")
    store.files.put(other.parts)
    write_shard(store, 1)
    assert store.record(1) == before
    assert np.array_equal(
        store.pairs(1, before.content_digest).x_0, made_pairs(store.indices(1)).x_0
    )


def test_a_record_that_comes_in_between_gets_its_files_back(
    home: Folder, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled_store(home, layout=layout)
    before = store.record(1)
    # The late writer looked before the other's record was there, and wrote after it.
    looks, exists = iter([False]), LocalFolder.exists
    monkeypatch.setattr(
        LocalFolder, "exists", lambda folder, name="": next(looks, exists(folder, name))
    )
    other = other_pairs(store.indices(1))
    store.write(1, other, dropped={}, environment={"device": "another"})
    monkeypatch.undo()
    assert store.record(1) == before
    assert store.columns(1, before.content_digest)["x_0"].shape == (256, 2)


def test_a_late_writer_that_is_killed_leaves_a_committed_shard_whole(
    home: Folder, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled_store(home, layout=layout)
    looks, exists, create = iter([False]), LocalFolder.exists, LocalFolder.create

    def killed(folder: LocalFolder, name: str, data: bytes) -> bool:
        if name == "000001.json":
            raise KeyboardInterrupt
        return create(folder, name, data)

    monkeypatch.setattr(
        LocalFolder, "exists", lambda folder, name="": next(looks, exists(folder, name))
    )
    monkeypatch.setattr(LocalFolder, "create", killed)
    with contextlib.suppress(KeyboardInterrupt):
        other = other_pairs(store.indices(1))
        store.write(1, other, dropped={}, environment={"device": "another"})
    monkeypatch.undo()
    assert store.columns(1, store.record(1).content_digest)["x_0"].shape == (256, 2)


def test_the_same_content_has_one_digest_in_every_layout_and_place(
    home: Folder, layout: str, s3: str
) -> None:
    digests = filled_store(home, layout="wds-256").content_digests(1000)
    for url in (f"memory://{home.name}-{layout}", f"{s3}/{layout}"):
        there = filled_store(folder_at(url), layout=layout)
        assert there.content_digests(1000) == digests
        assert PairStore.open(there.folder, split="train", layout=layout).load(1000).count == 1000


def test_a_reader_names_what_there_is_when_asked_for_too_much(home: Folder) -> None:
    store = filled_store(home)
    with pytest.raises(ValueError, match="holds 1,024 indices, asked for 5,000"):
        store.load(5000)
    with pytest.raises(ValueError, match="there are: train/wds-256"):
        PairStore.open(home, split="heldout", layout=LAYOUT)


@pytest.mark.parametrize("layout", ["wds-1000", "wds-", "tar", "hdf5-4096", "wds-131072"])
def test_a_layout_that_there_is_not_is_refused(home: Folder, layout: str) -> None:
    with pytest.raises(ValueError, match=r"power of two|no plugin"):
        PairStore.create(home, SPEC, split="train", layout=layout)


def test_more_shards_than_a_manifest_holds_are_refused_before_any_is_made(home: Folder) -> None:
    store = filled_store(home)
    with pytest.raises(ValueError, match="choose a layout with a larger shard"):
        store.missing(10**9)


def test_differing_fields_are_named_by_their_path() -> None:
    assert differing_fields({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1}, "d": 4}) == [
        "a.c",
        "d",
    ]


def test_nothing_temporary_stays(home: Folder) -> None:
    filled_store(home)
    found = [name for _, _, names in os.walk(home.local_path()) for name in names]
    assert not [name for name in found if name.startswith(".tmp")]
