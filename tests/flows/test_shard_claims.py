"""Generators of one set share its shards; a claim saves work and hinders nobody."""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import SPEC, filled_store, write_shard
from faults.commands import run as run_command

from flows import claim_file
from flows.commands.pairs_who import who
from flows.generation.shard_claims import ShardClaims, end_claims, holders
from flows.process import identity, place_of_processes
from storage.care.garbage import waste_of
from storage.care.verify import faults
from storage.folders import Folder
from storage.folders.local_folder import LocalFolder
from storage.store import PairStore

KDM = str(Path(sys.executable).with_name("kdm"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_file, "SETTLE", 0.01)
    monkeypatch.setenv(claim_file.SPAN_VARIABLE, "0.3")


@pytest.fixture
def store(home: Folder) -> PairStore:
    """A set of which shard 0 is there."""
    store = PairStore.create(home, SPEC, split="train", layout="wds-256")
    write_shard(store, 0)
    return store


def claim_by(store: PairStore, shard: int, process: str, machine: str = platform.node()) -> None:
    processes = place_of_processes()[1] if machine == platform.node() else "elsewhere"
    document = {
        "token": f"{shard}",
        "machine": machine,
        "processes": processes,
        "process": process,
        "since": "noon",
        "num_shards": 9,
    }
    (store.base / "claims").create(f"{shard:06}.json", json.dumps(document).encode())


def dead() -> str:
    process = subprocess.Popen(["true"])
    process.wait()
    return f"{process.pid}:1"


def test_a_shard_goes_to_one_of_two_that_ask_at_once(store: PairStore) -> None:
    with ShardClaims(store) as first, ShardClaims(store) as second:
        ours, theirs = first.taken(range(5)), second.taken(range(5))
        taken = [next(ours), next(theirs), next(ours), next(theirs)]
        assert taken == [1, 2, 3, 4]  # 0 is there
        assert list(holders(store)) == taken
    assert not store.base.exists("claims")


def test_shards_of_a_dead_process_of_this_machine_are_taken_at_once(store: PairStore) -> None:
    claim_by(store, 1, dead())
    with ShardClaims(store) as claims:
        assert list(claims.taken([1])) == [1]


def test_shards_of_a_process_elsewhere_are_taken_once_it_falls_silent(store: PairStore) -> None:
    claim_by(store, 1, identity(), machine="elsewhere")
    with ShardClaims(store) as claims:
        assert list(claims.taken([1])) == []
        time.sleep(0.2)
        assert list(claims.taken([1])) == []
        time.sleep(0.3)
        assert list(claims.taken([1])) == [1]


def test_a_claim_is_renewed_while_its_owner_lives(store: PairStore) -> None:
    with ShardClaims(store) as owner, ShardClaims(store) as other:
        assert list(owner.taken([1])) == [1]
        until = time.monotonic() + 1
        while time.monotonic() < until:
            assert list(other.taken([1])) == []
            time.sleep(0.05)


def test_an_owner_that_was_silent_does_not_take_its_claim_back(store: PairStore) -> None:
    owner = ShardClaims(store)  # nothing renews it
    assert list(owner.taken([1])) == [1]
    with ShardClaims(store) as other:
        assert list(other.taken([1])) == []
        time.sleep(0.4)
        assert list(other.taken([1])) == [1]
        owner.release(1)
        assert list(holders(store)) == [1]


def test_a_set_that_was_only_claimed_leaves_nothing(home: Folder) -> None:
    store = PairStore.planned(home, SPEC, split="train", layout="wds-256")
    with ShardClaims(store) as claims:
        assert list(claims.taken([0])) == [0]
    assert not home.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"x" * 5000])
def test_a_claim_that_is_none_hinders_nobody(store: PairStore, content: bytes) -> None:
    (store.base / "claims").create("000001.json", content)
    assert holders(store) == {}
    with ShardClaims(store) as claims:
        assert list(claims.taken([1])) == [1]


def test_claims_are_no_damage_and_old_ones_are_waste(home: Folder) -> None:
    store = filled_store(home)
    claim_by(store, 7, dead())
    assert faults(store) == []
    assert waste_of(store, older_than=0) == []  # an owner that lives would renew it
    file = store.base.local_path("claims/000007.json")
    hours_ago = time.time() - 7200
    os.utime(file, (hours_ago, hours_ago))
    assert [waste.file for waste in waste_of(store)] == ["train/wds-256/claims/000007.json"]
    end_claims(store)
    assert not store.base.exists("claims")


def test_who_tells_who_lives_what_died_and_what_is_left(
    store: PairStore, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shard(store, 1)
    claim_by(store, 2, identity())
    claim_by(store, 3, identity())
    claim_by(store, 4, dead())
    claim_by(store, 5, "7:1", machine="beta")
    who(store.folder.url, "", watches=False, as_json=False)
    said = capsys.readouterr().out
    assert "train/wds-256: 2 of 9 shards are there" in said
    assert " 2, 3 " in said
    for state in ("lives", "died: its shards are free", "not known yet: see --watch"):
        assert state in said


def test_who_of_a_set_that_nobody_makes(store: PairStore) -> None:
    ended = run_command([KDM, "pairs", "who", store.folder.url])
    assert ended.code == 0, ended.said
    assert "train/wds-256: 1 shards are there" in ended.said
    assert "nobody is making shards" in ended.said


def test_a_folder_that_another_process_removes_meanwhile_is_made_again(
    store: PairStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, left = LocalFolder.create, [1, 2]

    def removed(folder: LocalFolder, name: str, data: bytes) -> bool:
        if folder.name == "claims" and left:
            left.pop()
            raise FileNotFoundError(name)
        return create(folder, name, data)

    monkeypatch.setattr(LocalFolder, "create", removed)
    with ShardClaims(store) as claims:
        assert list(claims.taken([1])) == [1]


def test_who_hands_shards_out_keeps_those_of_the_living_and_frees_those_of_the_silent(
    store: PairStore,
) -> None:
    claim_by(store, 1, dead())
    claim_by(store, 2, identity(), machine="elsewhere")
    claim_by(store, 3, identity())
    seen = ShardClaims(store)
    assert seen.freed(range(1, 5)) == [1, 4]
    assert list(holders(store)) == [2, 3]
    time.sleep(0.4)
    assert seen.freed([2, 4]) == [2, 4]
    with ShardClaims(store) as worker:  # which has never seen the claim
        assert list(worker.taken([2])) == [2]
