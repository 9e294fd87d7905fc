"""Files that desktops, network disks and people leave in a home hinder nothing and are no damage."""

import shutil
from pathlib import Path

import pytest
from conftest import Finished
from faults.digests import assert_equal, digests_of
from typer.testing import CliRunner

from flows.cli import app
from kdm.training.checkpoint import standing

HIDDEN = (".DS_Store", "Thumbs.db", ".nfs0000000001", "desktop.ini", "._step-00000100.json")


def said(home: Path, *words: str) -> str:
    """What a command says where it must end well."""
    ended = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert ended.exit_code == 0, (words, ended.output, ended.exception)
    return ended.output


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Path:
    return finished.copy(tmp_path / "home")


def test_hidden_files_in_every_folder_hinder_no_command(home: Path, finished: Finished) -> None:
    for folder in [home, *(each for each in home.rglob("*") if each.is_dir())]:
        for name in HIDDEN:
            (folder / name).write_bytes(b"\0\0\0\1Bud1")
    (home / "reports/overview.html").unlink()  # so that the history is read again
    assert "damaged" not in said(home, "ls")
    assert "8 shards sound" in said(home, "pairs", "verify", "tiny", "--deep")
    assert "nothing to remove" in said(home, "pairs", "gc", "--older-than", "0")
    assert "cached" in said(home, "eval-report", "--direct")
    assert said(home, "run", "tiny", "--direct").count("cached") == 6
    assert (home / "reports/overview.html").exists()
    for name in HIDDEN:
        for each in list(home.rglob(name)):
            each.unlink()
    assert_equal(digests_of(home), finished.digests)


def test_names_that_are_almost_ours_are_stepped_over(home: Path) -> None:
    (pairs,) = (home / "pairs").iterdir()
    for name in ("train/wds-255", "train/wds-512", "train/wds-256 copy", "my notes/wds-256"):
        (pairs / name).mkdir(parents=True)
    for folder in home.glob("*s/*/checkpoints"):
        for name in ("step-abc.json", "step-100.json", "step-00000999 copy.json", "step-.json"):
            (folder / name).write_text("x")
    for name in ("reports/history/notes.txt", "reports/notes.txt", "students/notes.txt"):
        (home / name).write_text("x")
    (home / "reports/overview.html").unlink()
    assert "damaged" not in said(home, "ls")
    assert "train/wds-255" not in said(home, "pairs", "show", "tiny")
    assert "sound" in said(home, "pairs", "verify", "tiny")
    assert "sound" in said(home, "pairs", "repair", "tiny")
    assert said(home, "run", "tiny", "--direct").count("cached") == 6
    (student,) = (each for each in (home / "students").iterdir() if each.is_dir())
    assert standing(str(student)).endswith("continues from step 200")


def test_a_set_without_any_record_is_told_by_repair(home: Path) -> None:
    (pairs,) = (home / "pairs").iterdir()
    for name in ("records", "manifests", "shards", "masks"):
        shutil.rmtree(pairs / "heldout/wds-256" / name)
    (pairs / "heldout/wds-256/records").mkdir()
    ended = CliRunner().invoke(app, ["pairs", "repair", "tiny", "--home", str(home)])
    assert ended.exit_code == 1
    assert "heldout/wds-256/manifests holds none; run generate-pairs" in ended.output


def test_gc_touches_no_folder_that_is_no_set_and_no_foreign_name(
    home: Path, tmp_path: Path
) -> None:
    (pairs,) = (home / "pairs").iterdir()
    notes = tmp_path / "notaset/deep/.tmp-notes"
    notes.parent.mkdir(parents=True)
    foreign = [notes, pairs / ".tmp-notes", pairs / "train/.tmp-vm-1-x"]
    for file in foreign:
        file.touch()
    words = ["pairs", "gc", str(tmp_path / "notaset"), "--yes", "--older-than", "0"]
    assert "holds no set of pairs" in str(CliRunner().invoke(app, words).exception)
    (tmp_path / "notaset/spec.json").write_text("{}")
    assert CliRunner().invoke(app, words).exit_code == 1
    assert "nothing to remove" in said(home, "pairs", "gc", "--yes", "--older-than", "0")
    assert all(file.exists() for file in foreign)
