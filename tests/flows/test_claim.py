"""Two runs of one training do not both spend, and a dead one hinders nobody."""

import json
import platform
import subprocess
import threading
import time

import pytest

from flows.process import identity
from flows.stages import claim
from flows.stages.claim import FILE, claimed
from storage.fs import Folder


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "_LOOK_EVERY", 0.01)
    monkeypatch.setattr(claim, "_SETTLE", 0.05)
    monkeypatch.setattr(claim, "_STALE_AFTER", 0.3)
    monkeypatch.setattr(claim, "_BEAT_EVERY", 0.02)


def held_by(home: Folder, machine: str, process: str) -> None:
    home.create(FILE, json.dumps({"token": "t", "machine": machine, "process": process}).encode())


def taken(home: Folder) -> list[str]:
    """What is said until the claim is taken."""
    said: list[str] = []
    with claimed(home, "training kdm", say=said.append):
        assert home.exists(FILE)
    assert not home.exists(FILE)
    return said


def test_a_second_run_says_who_is_at_it_and_waits_for_the_end(home: Folder) -> None:
    said: list[str] = []
    order: list[str] = []
    has_told = threading.Event()

    def tell(sentence: str) -> None:
        said.append(sentence)
        has_told.set()

    def second() -> None:
        with claimed(home, "training kdm", say=tell):
            order.append("second")

    with claimed(home, "training kdm", say=said.append):
        waiting = threading.Thread(target=second)
        waiting.start()
        assert has_told.wait(10)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
    assert len(said) == 1
    assert f"process {identity().partition(':')[0]} on {platform.node()} has been at it" in said[0]


def test_a_holder_of_this_machine_that_was_killed_is_followed_at_once(home: Folder) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    held_by(home, platform.node(), f"{dead.pid}:1")
    assert taken(home) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"x" * 5000])
def test_a_claim_that_is_none_hinders_nobody(home: Folder, content: bytes) -> None:
    home.create(FILE, content)
    taken(home)


def test_a_holder_elsewhere_is_waited_for_until_it_gives_no_sign(home: Folder) -> None:
    held_by(home, "elsewhere", "7:1")
    (sentence,) = taken(home)
    assert "process 7 on elsewhere" in sentence


def test_one_of_several_that_take_over_at_once_works_at_a_time(home: Folder) -> None:
    held_by(home, platform.node(), "0:1")
    working: list[int] = []
    most: list[int] = []

    def work() -> None:
        with claimed(home, "training kdm", say=lambda _: None):
            working.append(1)
            most.append(len(working))
            time.sleep(0.02)
            working.pop()

    runs = [threading.Thread(target=work) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(20)
    assert most == [1, 1, 1, 1]


def test_a_claim_in_a_bucket_is_taken_and_left(s3: str) -> None:
    assert taken(Folder.at(f"{s3}/claims")) == []
