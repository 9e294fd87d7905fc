"""What a purge removes is nowhere any more, all the rest is as before, and the set says what is gone."""

import shutil
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from conftest import filled_store, made_pairs, write_shard
from faults.crash_points import KILLED, in_fork
from faults.digests import assert_equal, digests_of, temporary_files
from faults.purged import COUNT, MASK, OTHER, PURGED, judge, judged_set, purge, stores_of

from storage.care.convert import convert
from storage.care.fault import Fault
from storage.care.garbage import waste_of
from storage.care.purge_plan import plan_purge
from storage.care.put_back import put_back
from storage.care.salvage import from_own_files
from storage.care.verify import faults
from storage.care.verify_purges import purge_faults
from storage.care.wanted import Wanted
from storage.digest import digest_of
from storage.errors import StoreError, UnfinishedPurgeError
from storage.folders import Folder, folder_at
from storage.masks import read_audit
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.store import PairStore

LAYOUTS = ("wds-64", "zarr-64")


def all_faults(folder: Folder) -> list[Fault]:
    stores = stores_of(folder)
    return [*purge_faults(stores), *(each for store in stores for each in faults(store, deep=True))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_purged_pair_is_in_no_file_and_the_others_are_as_before(
    home: Folder, layout: str
) -> None:
    before = judged_set(home, layout).load(COUNT, [MASK]).pairs
    (store,) = purge(home)
    assert all_faults(home) == []
    assert waste_of(store, older_than=0) == []
    after = store.load(COUNT, []).pairs
    assert np.array_equal(after.index, before.index)
    assert np.array_equal(after.x_0, before.x_0)
    samples = [row.tobytes() for row in made_pairs(np.array(PURGED)).x_0]
    files = [home.read(name) for name in home.files()]
    assert not any(sample in data for sample in samples for data in files)


def test_records_manifests_and_tombstones_say_what_is_gone_and_why(home: Folder) -> None:
    contents = judged_set(home).content_digests(COUNT)
    (store,) = purge(home)
    record = store.record(0)
    assert record.dropped == {"nan": [7], "purged": [0]}
    assert [(note.decision, note.content) for note in record.purges] == [
        (MASK.decision, contents[0])
    ]
    assert store.manifest(COUNT).replaced == [digest_of(contents)]
    assert store.purges.former(1, "train", "wds-64").contents(2) == digest_of(contents)
    row = {"index": 64, "score": 0.0, "reason": "first", "also": [OTHER.decision]}
    assert store.purges.rows(1, "train", 64, COUNT) == [row]
    assert store.purges.words() == [f"2 of 127 by {MASK.decision[:12]}"]


def test_other_decisions_hold_for_the_pairs_that_stay(home: Folder) -> None:
    before = judged_set(home).load(COUNT, [OTHER]).pairs
    (store,) = purge(home)
    assert np.array_equal(store.load(COUNT, [OTHER]).pairs.index, before.index)
    audit = read_audit(store.base / "masks", OTHER, store.content_digests(COUNT)[1])
    assert [row["index"] for row in audit] == [65, 66]


@pytest.mark.parametrize(
    ("layout", "share"), [("wds-64", 0.15), ("zarr-64", 0.5), ("wds-64", 0.97)]
)
def test_a_killed_purge_closes_the_set_until_it_is_gone_on_with(
    tmp_path: Path, layout: str, share: float
) -> None:
    judged_set(folder_at(str(tmp_path / "whole")), layout)
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    whole, folder = (folder_at(str(tmp_path / name)) for name in ("whole", "killed"))
    ended = in_fork(lambda: purge(whole))
    assert ended.code == 0, ended.said
    killed = in_fork(lambda: purge(folder), crash_at=int(share * ended.num_points))
    assert killed.code == KILLED, killed.said
    with pytest.raises(UnfinishedPurgeError, match=r"kdm pairs purge .* --decision .* --yes"):
        PairStore.open(folder, split="train", layout=layout)
    purge(folder)
    assert_equal(digests_of(tmp_path / "killed"), digests_of(tmp_path / "whole"))
    assert temporary_files(tmp_path / "killed") == []


def test_whatever_writes_a_shard_again_leaves_purged_pairs_out(home: Folder) -> None:
    judged_set(home)
    (store,) = purge(home)
    before, shard = digests_of(home.local_path()), store.record(0)
    store.shards.remove(shard.file)
    assert store.missing(COUNT) == [0]
    write_shard(store, 0)
    store.records_folder.remove("000001.json")
    wanted = Wanted(1, store.content_digests(COUNT)[1], None)
    remade = from_own_files(store, wanted)
    assert remade is not None
    put_back(store, wanted, remade)
    store.ledger.manifests.remove("000002.json")
    store.commit(COUNT)
    assert_equal(digests_of(home.local_path()), before)


def test_a_purged_set_grows_and_is_purged_again(home: Folder) -> None:
    judged_set(home)
    purge(home)
    store = filled_store(home, 192, "wds-64")
    with pytest.raises(StoreError, match=r"shard 2 .* isn't judged"):
        plan_purge(stores_of(home), MASK)
    judge(
        store
    )  # what was carried to the shards without purged pairs is what a filter says of them
    (store,) = purge(home)
    assert all_faults(home) == []
    assert [note.number for note in store.record(0).purges] == [1]
    assert store.record(2).dropped == {"purged": [128]}
    assert len(store.purges.finished()) == 2


def test_every_layout_loses_the_pairs_and_a_later_one_never_gets_them(home: Folder) -> None:
    convert(judged_set(home), "wds-32")
    purge(home)
    convert(PairStore.open(home, split="train", layout="wds-64"), "zarr-16")
    assert all_faults(home) == []
    loaded = [store.load(COUNT, []).pairs.index.tolist() for store in stores_of(home)]
    assert loaded[0] == loaded[1] == loaded[2]
    assert not set(PURGED) & set(loaded[0])


def test_what_a_backup_brings_back_and_what_a_tombstone_lacks_is_found(
    home: Folder, tmp_path: Path
) -> None:
    judged_set(home)
    shutil.copytree(home.local_path("train"), tmp_path / "backup")
    (store,) = purge(home)
    rows, document = "000001/train/rows/000000.json", store.purges.place.read("000001/purge.json")
    store.purges.place.remove("000001/purge.json")
    assert [fault.kind for fault in purge_faults(stores_of(home))] == ["missing"]
    store.purges.place.create("000001/purge.json", document)
    data = store.purges.place.read(rows)
    store.purges.place.replace(rows, data.replace(b'"first"', b'"wrong"'))
    assert "was changed after it was written" in purge_faults(stores_of(home))[0].sentence
    store.purges.place.replace(rows, data)
    former = "000001/train/wds-64/records/000001.json"
    data = store.purges.place.read(former)
    store.purges.place.remove(former)
    assert [fault.file for fault in purge_faults(stores_of(home))] == [f"purges/{former}"]
    store.purges.place.create(former, data)
    home.remove("train")
    shutil.copytree(tmp_path / "backup", home.local_path("train"))
    assert [fault.shard for fault in purge_faults(stores_of(home))] == [0, 1]
    purge(home)
    assert all_faults(home) == []


def test_a_remote_set_is_purged_and_so_is_what_was_cached_of_it(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDM_CACHE", str(tmp_path / "cache"))
    folder = folder_at(f"{s3}/{uuid4().hex}")
    store = judged_set(folder)
    next(iter(PairReader(store, Order(0, COUNT), batch_size=8, masks=(MASK,))))
    cached = {record.file_digest for record in store.records([0, 1])}
    assert {each.name for each in (tmp_path / "cache").iterdir()} >= cached
    (store,) = purge(folder)
    assert not cached & {each.name for each in (tmp_path / "cache").iterdir()}
    assert all_faults(folder) == []
    assert store.load(COUNT, []).pairs.index.tolist() == [
        *range(1, 7),
        *range(8, 64),
        *range(65, COUNT),
    ]
