"""Damage is found by name before the first sample of the damaged file is used."""

import random
import shutil
from pathlib import Path

import pytest
from conftest import LAYOUT, filled_store

from storage.care.verify import faults
from storage.errors import DamageError
from storage.folders import Folder
from storage.store import PairStore


@pytest.fixture
def store(home: Folder) -> PairStore:
    return filled_store(home)


def files_of(store: PairStore) -> list[Path]:
    return sorted(file for file in store.base.path.rglob("*") if file.is_file())


def found_by_name(store: PairStore, name: str) -> bool:
    fresh = PairStore.open(store.folder, split="train", layout=LAYOUT)
    with pytest.raises((DamageError, ValueError)) as fault:
        fresh.load(1000)
    return name in str(fault.value) and any(name in each.file for each in faults(fresh))


@pytest.mark.parametrize("seed", range(10))
def test_a_flipped_bit_anywhere_is_found(store: PairStore, seed: int) -> None:
    chosen = random.Random(seed)
    file = chosen.choice(files_of(store))
    data = bytearray(file.read_bytes())
    data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
    file.write_bytes(data)
    assert found_by_name(store, file.name)


@pytest.mark.parametrize("seed", range(10))
def test_a_cut_file_is_found(store: PairStore, seed: int) -> None:
    chosen = random.Random(100 + seed)
    file = chosen.choice(files_of(store))
    data = file.read_bytes()
    file.write_bytes(data[: chosen.randrange(len(data))])
    assert found_by_name(store, file.name)


@pytest.mark.parametrize("seed", range(10))
def test_a_missing_shard_or_record_is_found(store: PairStore, seed: int) -> None:
    files = [file for file in files_of(store) if file.parent.name != "manifests"]
    file = random.Random(200 + seed).choice(files)
    file.unlink()
    assert found_by_name(store, file.name)


@pytest.mark.parametrize("folder", ["shards", "records"])
def test_swapped_files_are_found(store: PairStore, folder: str) -> None:
    first, second, *_ = sorted((store.base.path / folder).iterdir())
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    assert found_by_name(store, first.name)


def test_a_record_of_another_set_is_found(store: PairStore, home: Folder) -> None:
    spec = {**store.spec, "other": 1}
    other = PairStore.create(home / "other", spec, split="train", layout=LAYOUT)
    for shard in other.missing(1000):
        pairs = store.pairs(shard, store.record(shard).content_digest)
        dropped = {"nan": [7]} if shard == 0 else {}
        other.write(shard, pairs, dropped=dropped, environment={})
    shutil.copy(other.records_folder.path / "000001.json", store.records_folder.path)
    assert found_by_name(store, "000001.json")


def test_an_unknown_format_version_is_refused_with_a_sentence(store: PairStore) -> None:
    from storage.digest import seal, unseal

    data = unseal(store.records_folder.read("000000.json"), "it")
    store.records_folder.replace("000000.json", seal({**data, "version": 2}))
    with pytest.raises(DamageError, match="format version 2; this release reads version 1"):
        store.load(1000)
