"""Durable files appear whole, once, or not at all."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import StoreError
from storage.fs import Folder


def test_create_is_exclusive(home: Folder) -> None:
    assert home.create("a/b.json", b"first")
    assert not home.create("a/b.json", b"second")
    assert home.read("a/b.json") == b"first"


def test_replace_leaves_one_file_and_nothing_temporary(home: Folder) -> None:
    home.replace("b", b"1")
    home.replace("b", b"22")
    assert home.read("b") == b"22"
    assert os.listdir(home.path) == ["b"]


def test_temporary_files_of_the_dead_are_swept_and_of_the_living_are_kept(home: Folder) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    home.create("a", b"1")
    gone, alive = dead.stdout.decode().strip(), str(os.getpid())
    here, there = platform.node(), f"{platform.node()}-2"
    for owner in (f"{here}-{gone}", f"{here}-{alive}", f"{there}-{gone}"):
        (home.path / f".tmp-{owner}-x").write_bytes(b"half")
    home.sweep()
    kept = [f".tmp-{here}-{alive}-x", f".tmp-{there}-{gone}-x", "a"]
    assert sorted(os.listdir(home.path)) == sorted(kept)
    assert home.names() == ["a"]


def test_a_folder_is_absolute_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Folder.at("sub/home")
    monkeypatch.chdir("/")
    assert folder.url == str(tmp_path / "sub/home")
    assert Folder.at(f"file://{tmp_path}/sub/home") == folder


def test_an_unsupported_file_system_is_refused_without_repeating_its_secrets() -> None:
    with pytest.raises(ValueError, match=r"s3:// is not supported") as refusal:
        Folder.at("s3://user:secret@bucket/x")
    assert "secret" not in str(refusal.value)


def test_too_little_space_is_refused_before_work(home: Folder) -> None:
    with pytest.raises(StoreError, match="needs about"):
        home.require_space(10**18, "the set")
