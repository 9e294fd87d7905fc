"""Two runs of one piece of work do not both spend, and a dead one hinders nobody."""

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from conftest import Finished
from faults.commands import kdm, succeed
from faults.digests import digests_of
from faults.disks import full_at
from local_prefect import wait_for

from flows import claim_file
from flows.process import identity
from flows.stages import claim
from flows.stages.claim import FILE, HangingError, HeldError, claimed
from storage.errors import StoreError
from storage.folders import Folder, folder_at

# Another run, without its work: it says when it waits and when it has the claim, and keeps that.
OTHER = """
import sys, time
from flows import claim_file
from flows.stages import claim
from storage.folders import folder_at
claim._LOOK_EVERY = claim_file.SETTLE = 0.05
say = lambda sentence: print("waits", flush=True)
with claim.claimed(folder_at(sys.argv[1]), "work", is_there=lambda: False, say=say):
    print("has it", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "_LOOK_EVERY", 0.01)
    monkeypatch.setattr(claim_file, "SETTLE", 0.05)
    monkeypatch.setenv(claim_file.SPAN_VARIABLE, "0.3")
    monkeypatch.setattr(claim, "_LOOK_FOR_RESULT_EVERY", 0.1)


def held_by(home: Folder, machine: str, process: str, **more: str) -> None:
    holder = {"token": "t", "machine": machine, "process": process, "since": "noon", **more}
    home.create(FILE, json.dumps(holder).encode())


def nothing_is_there() -> bool:
    return False


def taken(home: Folder, *, waits: bool = True) -> list[str]:
    """What is said until the claim is taken."""
    said: list[str] = []
    held = claimed(home, "training kdm", is_there=nothing_is_there, say=said.append, waits=waits)
    with held as has_work:
        assert has_work
        assert home.exists(FILE)
    assert not home.exists(FILE)
    return said


@contextmanager
def sleeping() -> Iterator[psutil.Popen]:
    process = psutil.Popen(["sleep", "60"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def other_run(home: Folder) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", OTHER, home.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def identity_of(process: psutil.Popen) -> str:
    return f"{process.pid}:{process.create_time():.0f}"


def test_a_second_run_says_who_is_at_it_and_waits_for_the_end(home: Folder) -> None:
    said: list[str] = []
    order: list[str] = []
    has_told = threading.Event()

    def tell(sentence: str) -> None:
        said.append(sentence)
        has_told.set()

    def second() -> None:
        with claimed(home, "training kdm", is_there=order.copy, say=tell) as has_work:
            order.append(f"second, with work left: {has_work}")

    with claimed(home, "training kdm", is_there=nothing_is_there, say=said.append):
        waiting = threading.Thread(target=second)
        waiting.start()
        assert has_told.wait(10)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second, with work left: False"]
    assert len(said) == 1
    assert f"process {identity().partition(':')[0]} on {platform.node()} has been at it" in said[0]


def test_a_holder_of_this_machine_that_was_killed_is_followed_at_once(home: Folder) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    held_by(home, platform.node(), f"{dead.pid}:1")
    assert taken(home) == []


def test_a_waiting_run_follows_a_holder_that_is_killed(home: Folder) -> None:
    with other_run(home) as first:
        assert says(first) == "has it"
        with other_run(home) as second:
            assert says(second) == "waits"
            first.kill()
            first.wait()
            assert says(second) == "has it"
    assert taken(home) == []


def test_a_run_that_is_killed_as_it_waits_leaves_the_claim_to_its_holder(home: Folder) -> None:
    with other_run(home) as first:
        assert says(first) == "has it"
        with other_run(home) as second:
            assert says(second) == "waits"
        assert json.loads(home.read(FILE))["process"].startswith(f"{first.pid}:")
    assert taken(home) == []
    assert not home.exists()  # the claim alone had made the folder


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"x" * 5000])
def test_a_claim_that_is_none_hinders_nobody(home: Folder, content: bytes) -> None:
    home.create(FILE, content)
    assert taken(home) == []


@pytest.mark.parametrize("number", range(1, 5))
def test_a_claim_that_a_full_disk_refuses_is_not_left_behind(home: Folder, number: int) -> None:
    with suppress(StoreError), full_at(number):
        taken(home)
    assert not home.exists(FILE)
    assert taken(home) == []


def test_a_holder_that_is_stopped_is_waited_for_with_a_bound_and_a_way_out(home: Folder) -> None:
    with sleeping() as holder:
        held_by(home, platform.node(), identity_of(holder))
        os.kill(holder.pid, signal.SIGSTOP)
        wait_for(lambda: holder.status() == psutil.STATUS_STOPPED, seconds=10)
        with pytest.raises(HangingError, match=rf"process {holder.pid} on .* since noon") as told:
            taken(home)
    assert f"'kill -CONT {holder.pid}'" in str(told.value)
    assert home.exists(FILE)  # it stays the holder's


def test_who_does_not_wait_leaves_it_to_a_holder_that_lives(home: Folder) -> None:
    with sleeping() as holder:
        held_by(home, platform.node(), identity_of(holder))
        with pytest.raises(
            HeldError, match=rf"process {holder.pid} on .*; leaving it to that process"
        ):
            taken(home, waits=False)


def test_who_does_not_wait_follows_a_holder_elsewhere_that_has_died(home: Folder) -> None:
    held_by(home, "elsewhere", "7:1")
    taken(home, waits=False)


def test_a_container_of_the_same_name_has_other_processes(home: Folder) -> None:
    held_by(home, platform.node(), identity(), processes="pid:[1]")
    (sentence,) = taken(home)  # by its silence: this process's number means nothing there
    assert f"on {platform.node()} has been at it" in sentence


def test_the_wait_ends_where_what_was_wanted_is_there(home: Folder) -> None:
    with sleeping() as holder:
        held_by(home, platform.node(), identity_of(holder))
        held = claimed(home, "training kdm", is_there=lambda: True, say=lambda _: None)
        with held as has_work:
            assert not has_work
    assert json.loads(home.read(FILE))["token"] == "t"


def test_a_holder_elsewhere_is_waited_for_until_it_gives_no_sign(home: Folder) -> None:
    held_by(home, "elsewhere", "7:1")
    (sentence,) = taken(home)
    assert "process 7 on elsewhere" in sentence


def test_one_of_several_that_take_over_at_once_works_at_a_time(home: Folder) -> None:
    held_by(home, platform.node(), "0:1")
    working: list[int] = []
    most: list[int] = []

    def work() -> None:
        held = claimed(home, "training kdm", is_there=nothing_is_there, say=lambda _: None)
        with held:
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


def test_a_claim_that_outlived_its_work_and_its_holder_goes_with_the_next_run(
    finished: Finished, tmp_path: Path
) -> None:
    home = folder_at(str(finished.copy(tmp_path / "home")))
    with sleeping() as process:
        dead = identity_of(process)
    things = [home / kind / (home / kind).names()[0] for kind in ("teachers", "pairs", "students")]
    for thing in things:
        held_by(thing, platform.node(), dead)
    succeed(kdm(home.url))
    assert digests_of(home.local_path()) == finished.digests
    held_by(things[0], platform.node(), identity())
    held_by(things[1], "elsewhere", dead)
    succeed(kdm(home.url))
    assert [thing.exists(FILE) for thing in things] == [True, True, False]


def test_a_claim_in_a_bucket_is_taken_and_left(s3: str) -> None:
    assert taken(folder_at(f"{s3}/claims")) == []
