"""What nobody will ever read may go; what a record or a manifest names never does."""

import os
import time
from uuid import uuid4

import boto3
import pytest
from conftest import filled_store
from faults.judged import MASK, judge

from storage.care.garbage import temporary_files, waste_of
from storage.errors import DamageError
from storage.folders import Folder, folder_at
from storage.folders.temporary import temporary_name
from storage.folders.uploads import abort, unfinished_uploads
from storage.store import PairStore

STRAYS = {
    "shards/000001-0123456789ab.tar": "a second file of a shard, which no record names",
    "shards/000009-0123456789ab.tar": "a shard's file without a record",
    "audit/000003.json": "about a shard that isn't there",
    f"masks/{MASK.score[:12]}/scores/{'0' * 64}.json": "about a shard that isn't there",
}
# A user's own files, which are nobody's waste.
FOREIGN = ("shards/x", "notes.txt", f"masks/{MASK.score[:12]}/x")


def with_strays(home: Folder) -> PairStore:
    store = filled_store(home)
    judge(store)
    for name in (*STRAYS, *FOREIGN):
        store.base.create(name, b"12345")
    return PairStore.open(home, split="train", layout=store.layout)


def test_all_that_nothing_speaks_for_is_listed_and_nothing_else(home: Folder) -> None:
    found = waste_of(with_strays(home), older_than=0)
    assert {each.file.removeprefix("train/wds-256/"): each.why for each in found} == STRAYS
    assert sum(each.num_bytes for each in found) == 5 * len(STRAYS)


@pytest.mark.parametrize("layout", ["wds-256", "zarr-256"])
def test_a_sound_set_has_no_waste(home: Folder, layout: str) -> None:
    store = filled_store(home, layout=layout)
    judge(store)
    assert waste_of(store, older_than=0) == []


def test_what_is_younger_than_the_grace_stays(home: Folder) -> None:
    store = with_strays(home)
    assert waste_of(store) == []
    old = time.time() - 3700
    os.utime(store.base.local_path("audit/000003.json"), (old, old))
    assert [each.file for each in waste_of(store)] == ["train/wds-256/audit/000003.json"]


@pytest.mark.parametrize("name", ["records/000002.json", "manifests/000004.json"])
def test_where_a_record_or_manifest_cannot_be_read_nothing_is_waste(
    home: Folder, name: str
) -> None:
    store = with_strays(home)
    store.base.replace(name, b"{}")
    with pytest.raises(DamageError, match="run 'kdm pairs repair' first"):
        waste_of(store, older_than=0)
    store.base.remove(name)
    if name.startswith("records"):
        with pytest.raises(DamageError, match=r"000002\.json is missing"):
            waste_of(store, older_than=0)


def test_records_of_a_set_that_was_never_frozen_speak_for_their_shards(home: Folder) -> None:
    store = with_strays(home)
    store.ledger.manifests.remove("000004.json")
    found = waste_of(store, older_than=0)
    assert {each.file.removeprefix("train/wds-256/") for each in found} == set(STRAYS)


def test_files_of_dead_writers_go_at_once_and_others_with_age(home: Folder) -> None:
    store = filled_store(home)
    dead = temporary_name().replace(f"-{os.getpid()}-", "-999999999-")
    living, elsewhere = temporary_name(), dead.replace(".tmp-", ".tmp-other-")
    for name in (dead, living, elsewhere):
        store.shards.local_path(name).write_bytes(b"123")
    assert [each.file for each in temporary_files(home)] == [f"train/wds-256/shards/{dead}"]
    assert len(temporary_files(home, older_than=0)) == 3
    assert temporary_files(folder_at("memory://nowhere")) == []


def test_uploads_that_were_never_ended_are_found_below_a_folder_and_aborted(s3: str) -> None:
    folder, client = folder_at(f"{s3}/{uuid4().hex}"), boto3.client("s3")
    bucket, _, prefix = folder.url.removeprefix("s3://").partition("/")
    for key in (f"{prefix}/shards/a", f"{prefix}-other/b"):
        client.create_multipart_upload(Bucket=bucket, Key=key)
    assert unfinished_uploads(folder, older_than=1e12) == []  # none is so old
    (upload,) = unfinished_uploads(folder, older_than=0)
    assert upload.key == f"{prefix}/shards/a"
    abort(folder, upload)
    assert unfinished_uploads(folder, older_than=0) == []
    assert unfinished_uploads(folder_at("memory://x"), older_than=0) == []
