"""A private folder and its files were never readable by others, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.folders import folder_at
from storage.folders.private import private


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_modes_are_those_of_one_user_from_the_first_moment(
    tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "chmod", None)  # a mode that is taken back was there before
    folder = private(folder_at(str(tmp_path / "audits" / "private")))
    folder.replace("scores.json", b"1")
    assert folder.create("picture.png", b"2")
    place = tmp_path / "audits" / "private"
    assert (mode(place), mode(place.parent)) == (0o700, 0o777 & ~umask)
    assert {mode(file) for file in place.iterdir()} == {0o600}


def test_other_folders_keep_the_modes_of_the_umask(tmp_path: Path, umask: int) -> None:
    folder_at(str(tmp_path / "usual")).replace("card.md", b"1")
    assert mode(tmp_path / "usual") == 0o777 & ~umask
    assert mode(tmp_path / "usual" / "card.md") == 0o666 & ~umask


def test_a_folder_in_a_bucket_is_left_to_its_policy() -> None:
    bucket = folder_at("memory://audits")
    assert private(bucket) is bucket
