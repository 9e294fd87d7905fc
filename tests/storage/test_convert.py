"""Another layout holds the same pairs under the same digests, and there is a way back."""

import shutil
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from conftest import SPEC, filled_store, made_pairs, write_shard
from faults.judged import MASK, judge

from storage.care.convert import convert
from storage.care.environments import MADE_IN
from storage.care.spans import SpanReader
from storage.care.verify import faults
from storage.digest import unseal, without_stamp
from storage.errors import DamageError, MismatchError, StoreError
from storage.folders import Folder, folder_at
from storage.masks import read_keep
from storage.store import PairStore


def documents(store: PairStore) -> dict[str, object]:
    """Every file; of records and manifests all but attempt and time."""
    found: dict[str, object] = {}
    for name in store.base.files():
        data = store.base.read(name)
        is_document = name.startswith(("records/", "manifests/"))
        found[name] = without_stamp(unseal(data, name)) if is_document else data
    return found


@pytest.mark.parametrize("other", ["zarr-256", "wds-64", "zarr-64", "wds-1024", "zarr-1024"])
def test_there_and_back_is_byte_for_byte_the_same(home: Folder, other: str) -> None:
    store = filled_store(home, 1024)
    before = documents(store)
    convert(store, other)
    home.remove("train/wds-256")
    back = convert(PairStore.open(home, split="train", layout=other), "wds-256")
    assert documents(back) == before
    for layout in ("wds-256", other):
        assert faults(PairStore.open(home, split="train", layout=layout), deep=True) == []


@pytest.mark.parametrize("other", ["zarr-256", "zarr-64"])
def test_contents_are_equal_on_any_file_system(home: Folder, s3: str, other: str) -> None:
    expected = convert(filled_store(home, 512), other).content_digests(512)
    for folder in (folder_at(f"memory://{uuid4().hex}"), folder_at(f"{s3}/{uuid4().hex}")):
        store = filled_store(folder, 512)
        made = convert(store, other)
        assert made.content_digests(512) == expected
        assert np.array_equal(made.load(512).pairs.x_0, store.load(512).pairs.x_0)


def test_a_dropped_index_keeps_its_reason_and_its_environment(home: Folder) -> None:
    made = convert(filled_store(home, 1024), "wds-64")
    assert made.record(0).dropped == {"nan": [7]}
    assert made.record(1).dropped == {}
    assert made.record(0).environment == {"device": "cpu", MADE_IN: 256}


def test_masks_go_with_shards_of_the_same_size_and_with_no_others(home: Folder) -> None:
    store = filled_store(home, 1024)
    judge(store)
    same, smaller = convert(store, "zarr-256"), convert(store, "zarr-64")
    content = same.content_digests(1024)[0]
    assert read_keep(same.base / "masks", MASK, content, num_rows=255).sum() == 254
    assert len(same.load(1024, [MASK]).pairs) == 1024 - 1 - 4
    assert not smaller.base.exists("masks")


def test_every_manifest_that_fills_whole_shards_has_one_in_the_other_layout(home: Folder) -> None:
    store = filled_store(home, 512)
    for shard in store.missing(1024):
        write_shard(store, shard)
    store.commit(768)
    store.commit(1024)
    assert convert(store, "wds-64").ledger.sizes() == [8, 12, 16]
    assert convert(store, "wds-512").ledger.sizes() == [1, 2]


def test_indices_that_do_not_fill_whole_shards_are_refused_before_anything_is_written(
    home: Folder,
) -> None:
    store = filled_store(home, 768)
    with pytest.raises(ValueError, match="768 indices of 'train' do not fill whole shards of 512"):
        convert(store, "wds-512")
    assert not home.exists("train/wds-512")
    with pytest.raises(ValueError, match="no manifest yet"):
        convert(PairStore.create(home / "new", SPEC, split="train", layout="wds-64"), "wds-256")


def test_a_set_with_an_end_converts_with_its_short_last_shard(home: Folder) -> None:
    spec = {**SPEC, "rows": {"train": [0, 300]}}
    store = PairStore.create(home, spec, split="train", layout="wds-128")
    for shard in store.missing(300):
        store.write(shard, made_pairs(store.indices(shard)), dropped={}, environment={})
    store.commit(300)
    for layout in ("wds-64", "zarr-512", "wds-512"):
        made = convert(store, layout)
        assert made.load(300).pairs.index.tolist() == list(range(300))
        assert faults(made, deep=True) == []


def test_a_stopped_conversion_goes_on_and_does_nothing_twice(home: Folder) -> None:
    store = filled_store(home, 1024)
    done = documents(convert(store, "zarr-256"))
    other = PairStore.open(home, split="train", layout="zarr-256")
    other.ledger.manifests.remove("000004.json")
    for name in ("records/000002.json", "shards/x_0/c/3/0"):
        other.base.remove(name)
    said: list[tuple[int, int]] = []
    again = convert(store, "zarr-256", report=lambda done, total: said.append((done, total)))
    assert said[-1] == (2, 2)
    assert documents(again) == done


def test_damage_is_not_carried_on(home: Folder) -> None:
    store = filled_store(home, 1024)
    judge(store)
    shard, *_ = sorted(store.shards.local_path().iterdir())
    mask, *_ = sorted((store.base / "masks").local_path().rglob("*.json"))
    for file in (shard, mask):
        kept = file.read_bytes()
        file.write_bytes(kept[:-9] + b"x" + kept[-8:])
        fresh = PairStore.open(home, split="train", layout="wds-256")
        with pytest.raises(DamageError, match=file.name):
            convert(fresh, "zarr-256")
        file.write_bytes(kept)


def test_shards_of_different_environments_do_not_become_one(home: Folder) -> None:
    store = PairStore.create(home, SPEC, split="train", layout="wds-256")
    for shard, device in enumerate(["cpu", "cuda"]):
        pairs = made_pairs(store.indices(shard))
        store.write(shard, pairs, dropped={}, environment={"device": device})
    store.commit(512)
    with pytest.raises(MismatchError, match="different environments"):
        convert(store, "wds-512")
    assert convert(store, "zarr-64").record(7).environment == {"device": "cuda", MADE_IN: 256}


def test_reasons_of_drop_at_write_go_to_the_shard_of_their_index(home: Folder) -> None:
    store = PairStore.create(home, SPEC, split="train", layout="wds-256")
    index = store.indices(0)
    rows = [{"index": each, "reason": "near_copy", "score": 0.0} for each in (5, 70, 71)]
    store.write_audit(0, rows)
    kept = made_pairs(np.setdiff1d(index, [5, 70, 71]))
    store.write(0, kept, dropped={"near_copy": [5, 70, 71]}, environment={})
    store.commit(256)
    small = convert(store, "wds-64")
    assert small.base.files().keys() >= {"audit/000000.json", "audit/000001.json"}
    assert faults(small, deep=True) == []
    before = documents(store)
    home.remove("train/wds-256")
    assert documents(convert(small, "wds-256")) == before


def test_a_span_is_read_whatever_the_shards_and_only_where_all_of_it_is_frozen(
    home: Folder,
) -> None:
    reader = SpanReader(filled_store(home, 1024))
    span = reader.read(250, 780)
    assert span.columns["index"].tolist() == list(range(250, 780))
    assert np.array_equal(span.columns["x_0"], made_pairs(np.arange(250, 780)).x_0)
    with pytest.raises(StoreError, match="holds 1,024 indices"):
        reader.read(1000, 1025)


def test_the_folder_may_be_copied_and_converted_elsewhere(home: Folder, tmp_path: Path) -> None:
    store = filled_store(home, 512)
    shutil.copytree(home.local_path(), tmp_path / "copy")
    copied = PairStore.open(folder_at(str(tmp_path / "copy")), split="train", layout="wds-256")
    one, other = convert(store, "zarr-256"), convert(copied, "zarr-256")
    assert documents(one) == documents(other)
