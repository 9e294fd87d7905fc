"""What records and manifests say of the evaluations that a sample took."""

import json

import pytest
from conftest import SPEC, filled_store, made_pairs

from storage.care.convert import convert
from storage.care.put_back import Remade, put_back
from storage.care.wanted import Wanted
from storage.folders import Folder
from storage.shard_record import record_name
from storage.store import PairStore


def store_of(home: Folder, *nfe: float) -> PairStore:
    """A set of one shard a number, which its record says."""
    store = PairStore.create(home, SPEC, split="train", layout="wds-64")
    for shard, each in enumerate(nfe):
        pairs = made_pairs(store.indices(shard))
        store.write(shard, pairs, dropped={}, environment={}, nfe=each)
    store.commit(64 * len(nfe))
    return store


@pytest.mark.parametrize(("nfe", "mean"), [((35, 35, 35), 35), ((26, 32, 26.5), 84.5 / 3)])
def test_a_manifest_says_the_mean_over_its_records(home: Folder, nfe: tuple, mean: float) -> None:
    store = store_of(home, *nfe)
    assert [record.nfe for record in store.records([0, 1, 2])] == list(nfe)
    assert store.manifest(192).nfe == mean


def test_a_manifest_that_grows_goes_on_with_the_mean(home: Folder) -> None:
    store = store_of(home, 20, 26)
    store.write(2, made_pairs(store.indices(2)), dropped={}, environment={}, nfe=32)
    assert store.commit(192).nfe == 26


def test_what_one_record_does_not_know_no_manifest_says(home: Folder) -> None:
    store = store_of(home, 35, 0)
    manifest = json.loads(store.ledger.manifests.read(record_name(2)))
    assert "nfe" not in manifest
    assert store.manifest(128).nfe == 0


def test_documents_of_sets_without_evaluations_are_as_they_were(home: Folder) -> None:
    store = filled_store(home, 256)
    assert "nfe" not in json.loads(store.records_folder.read(record_name(0)))


@pytest.mark.parametrize("layout", ["zarr-64", "wds-128", "wds-32"])
def test_another_layout_says_the_same(home: Folder, layout: str) -> None:
    made = convert(store_of(home, 26, 32), layout)
    assert made.manifest(128).nfe == 29
    assert made.record(0).nfe == (29 if layout == "wds-128" else 26)


def test_a_record_made_anew_says_what_all_others_say(home: Folder) -> None:
    store = store_of(home, 35, 35)
    before = store.record(1)
    remade = Remade(made_pairs(store.indices(1)).columns(store.schema), {}, {}, "the teacher")
    put_back(store, Wanted(1, before.content_digest, None), remade)
    assert store.record(1) == before
