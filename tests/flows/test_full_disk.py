"""A disk without room: a sentence, a stop, nothing half-written; with room, the same command goes on."""

import shutil
from pathlib import Path

import pytest
from conftest import Finished
from faults.commands import kdm, run
from faults.digests import assert_equal, digests_of, temporary_files, unmeasured
from faults.disks import full_at, mounted, remount, used_bytes
from faults.here import run_here, train_here

from storage.errors import StoreError

AFTER_TEACHER = ("pairs", "students", "reports")
AFTER_PAIRS = ("students", "reports")


def only(digests: dict[str, str], *folders: str) -> dict[str, str]:
    return {name: digest for name, digest in digests.items() if name.startswith(folders)}


def test_too_little_room_for_the_pairs_is_told_before_the_first_is_made(
    finished: Finished, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk", 4_000_000) as disk:
        home = finished.copy(disk / "home", *AFTER_TEACHER)
        remount(disk, f"size={used_bytes(disk) + 100_000}")
        with pytest.raises(StoreError, match=r"making 10 shards needs about [\d,]+ bytes but"):
            run_here(home, until="generate-pairs")
        assert not list(home.rglob("*.tar"))


def test_a_disk_that_fills_up_in_training_stops_the_command_with_a_sentence(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    with mounted(tmp_path / "disk", 4_000_000) as disk:
        home = finished.copy(disk / "home", *AFTER_PAIRS)
        remount(disk, f"size={used_bytes(disk) + 100_000}")
        stopped_for_lack_of_room(run(kdm(home, "--until", "distill")), home)
        remount(disk, "size=8000000")
        run_here(home, until="distill")
        (student,) = home.glob("students/*/model.safetensors")
        assert unmeasured(digests_of(home)).items() <= finished.digests.items()
        assert str(student.relative_to(home)) in finished.digests


def stopped_for_lack_of_room(ended, home: Path) -> None:
    assert ended.code != 0
    assert "the disk is full" in ended.said.splitlines()[-1]
    assert "run the same command again" in ended.said
    assert "Traceback" not in ended.said
    assert temporary_files(home) == []
    assert not list(home.glob("students/*/config.json"))


@pytest.mark.parametrize("number", [1, 30, 55, 90])
def test_whatever_write_finds_the_disk_full_nothing_is_half_written(
    finished: Finished, tmp_path: Path, number: int
) -> None:
    home = finished.copy(tmp_path / "home", *AFTER_TEACHER)
    with full_at(number), pytest.raises(StoreError, match="the disk is full"):
        run_here(home, until="filter-pairs")
    assert temporary_files(home) == []
    run_here(home, until="filter-pairs")
    assert_equal(digests_of(home), only(finished.digests, "teachers", "pairs"))


def test_a_finished_home_serves_from_a_disk_that_may_not_be_written(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    with mounted(tmp_path / "disk", 8_000_000) as disk:
        home = finished.copy(disk / "home")
        remount(disk, "ro")
        assert {result.state for result in run_here(home)} == {"cached"}
        remount(disk, "rw")
        shutil.rmtree(home / "students")
        remount(disk, "ro")
        with pytest.raises(StoreError, match="may not be written"):
            run_here(home)


@pytest.mark.parametrize(
    ("gone", "purpose"),
    [
        ("pairs/*/train/*/records/000003.json", "making pairs"),
        ("pairs/*/train/*/masks/*/decisions/*/*.json", "judging 8 shards"),
        ("students/*/config.json", "training kdm"),
        ("students/*/metrics.json", "measuring kdm-"),
        ("reports/*/metrics.json", "a report"),
    ],
)
def test_each_stage_refuses_a_disk_that_may_not_be_written_before_its_work(
    finished: Finished, tmp_path: Path, gone: str, purpose: str
) -> None:
    with mounted(tmp_path / "disk", 8_000_000) as disk:
        home = finished.copy(disk / "home", gone)
        remount(disk, "ro")
        with pytest.raises(StoreError, match=rf"{purpose}.*may not be written.*nothing was begun"):
            run_here(home)
