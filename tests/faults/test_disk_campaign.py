"""Small disks of every size, and a disk that fills up at every single write."""

import shutil
from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import kdm, run, succeed
from faults.digests import digests_of, temporary_files
from faults.disks import full_at, mounted, no_file_over, remount, used_bytes
from faults.here import run_here, train_here
from faults.journal import Journal, seeds
from faults.kills import faults_after, stage_done

from storage.errors import StoreError

pytestmark = pytest.mark.faults

# A finished home takes 1.3 MB; on disks from 50 kB on, each stage meets the end of one.
ROOM = range(50_000, 1_300_000, 100_000)


def test_a_home_on_a_disk_of_any_size_ends_as_on_a_large_one(
    finished: Finished, tmp_path: Path
) -> None:
    journal = Journal("disk-sizes")
    for room in ROOM:
        with mounted(tmp_path / str(room), room) as disk:
            home = disk / "home"
            ended = run(kdm(home))
            faults = temporary_files(home) + unclear(ended.code, ended.said)
            line = {"room": room, "used": used_bytes(disk), "done": stage_done(home)}
            remount(disk, "size=8000000")
            succeed(kdm(home))
            faults += faults_after(home, finished.digests)
            journal.note({**line, "said": ended.said.splitlines()[-1:], "faults": faults})
    assert journal.failures == []


def test_a_limit_on_the_size_of_files_is_a_full_disk(finished: Finished, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for limit in (8_000, 30_000, 100_000, 200_000):
        ended = run(kdm(home), preexec_fn=no_file_over(limit))
        assert unclear(ended.code, ended.said) == []
        assert temporary_files(home) == []
    succeed(kdm(home))
    assert faults_after(home, finished.digests) == []


def test_whatever_write_finds_the_disk_full_the_same_command_goes_on(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    journal, home = Journal("disk-writes"), tmp_path / "home"
    for number in seeds(1000):
        shutil.rmtree(home, ignore_errors=True)
        finished.copy(home, "pairs", "students", "reports")
        said = said_when_full(home, number + 1)
        if not said:
            break
        faults = temporary_files(home) + unclear(1, said)
        run_here(home)
        faults += faults_after(home, finished.digests)
        journal.note({"seed": number, "said": said, "faults": faults})
    assert journal.failures == []
    assert journal.num_lines > 100
    assert digests_of(home) == finished.digests


def said_when_full(home: Path, number: int) -> str:
    try:
        with full_at(number):
            run_here(home)
    except StoreError as error:
        return str(error)
    return ""


def unclear(code: int, said: str) -> list[str]:
    """What a user would not understand of how it ended."""
    last = said.strip().splitlines()[-1] if said.strip() else ""
    is_clear = code != 0 and ("the disk is full" in last or "needs about" in last)
    faults = [] if is_clear else [f"exit code {code}: {last}"]
    return faults + ["a traceback"] * ("Traceback" in said)
