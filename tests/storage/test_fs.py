"""Durable files appear whole, once, or not at all: on a disk, in memory, on S3."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from faults.disks import mounted, remount

from storage.errors import DamageError, StoreError
from storage.folders import Folder, folder_at


@pytest.fixture(params=["disk", "memory", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    if request.param == "disk":
        return folder_at(str(tmp_path / "home"))
    if request.param == "memory":
        return folder_at(f"memory://{uuid4().hex}/home")
    return folder_at(f"{request.getfixturevalue('s3')}/{uuid4().hex}/home")


def test_create_is_exclusive(folder: Folder) -> None:
    assert folder.create("a/b.json", b"first")
    assert not folder.create("a/b.json", b"second")
    assert folder.read("a/b.json") == b"first"


def test_replace_puts_one_file_in_place_of_another(folder: Folder) -> None:
    for data in (b"1", b"22", b""):
        folder.replace("b", data)
        assert folder.read("b") == data
    assert folder.names() == ["b"]


def test_pieces_are_written_one_after_the_other(folder: Folder) -> None:
    pieces = [b"", b"12", bytes(200_000), b"3"]
    folder.replace("b", [memoryview(piece) for piece in pieces])
    assert folder.read("b") == b"".join(pieces)


def test_a_folder_that_is_not_there_is_empty(folder: Folder) -> None:
    assert not folder.exists()
    assert (folder.names(), folder.files(), folder.num_bytes()) == ([], {}, 0)
    folder.remove("nothing")
    folder.sweep()
    with pytest.raises(FileNotFoundError):
        folder.read("nothing")
    with pytest.raises(FileNotFoundError):
        folder.size("nothing")


def test_files_are_all_below_and_names_are_what_lies_directly_inside(folder: Folder) -> None:
    for name in ("b", "a/x", "a/c/y"):
        folder.create(name, name.encode())
    assert folder.names() == ["a", "b"]
    assert (folder / "a").names() == ["c", "x"]
    assert {name: info.num_bytes for name, info in folder.files().items()} == {
        "a/c/y": 5,
        "a/x": 3,
        "b": 1,
    }
    assert all(info.modified_at > 1.6e9 for info in folder.files().values())
    assert folder.num_bytes() == 9


def test_a_file_and_a_folder_are_removed_with_all_below_and_nothing_beside(folder: Folder) -> None:
    for name in ("a", "ab", "c/d/e", "cd"):
        folder.create(name, b"1")
    folder.remove("a")
    folder.remove("c")
    assert list(folder.files()) == ["ab", "cd"]
    assert not folder.exists("c/d")
    assert folder.exists("cd")


def test_what_is_larger_than_anything_written_there_is_not_read(folder: Folder) -> None:
    folder.create("a", b"12345")
    assert folder.read("a", at_most=5) == b"12345"
    with pytest.raises(DamageError, match="a has 5 bytes, at most 4 are read"):
        folder.read("a", at_most=4)
    with pytest.raises(DamageError, match="at most 4 are read"):
        folder.read_many(["a"], at_most=4)


def test_many_files_are_read_in_the_order_asked_for(folder: Folder) -> None:
    names = [f"{number}" for number in range(30)]
    for name in names:
        folder.create(name, name.encode())
    assert folder.read_many(names[::-1]) == [name.encode() for name in names[::-1]]
    with pytest.raises(FileNotFoundError):
        folder.read_many(["3", "30"])


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "a//b", "./a", "a\0"])
def test_no_name_leads_out_of_its_folder(folder: Folder, name: str) -> None:
    for use in (folder.read, folder.exists, folder.remove, folder.size, folder.__truediv__):
        with pytest.raises(ValueError, match="is not the name of a file below"):
            use(name)
    for write in (folder.create, folder.replace):
        with pytest.raises(ValueError, match="is not the name of a file below"):
            write(name, b"1")


def test_whether_it_can_be_written_is_found_out_without_a_trace(folder: Folder) -> None:
    folder.require_writable("a test")
    assert not folder.exists()
    folder.create("a", b"1")
    folder.require_writable("a test")
    assert list(folder.files()) == ["a"]


def test_only_temporary_files_are_left_out(folder: Folder) -> None:
    folder.create("a", b"1")
    folder.replace(".tmp-elsewhere-1-x", b"half")
    assert folder.names() == list(folder.files()) == ["a"]


def test_temporary_files_of_the_dead_are_swept_and_of_the_living_are_kept(folder: Folder) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    gone, alive = dead.stdout.decode().strip(), str(os.getpid())
    here, there = platform.node(), f"{platform.node()}-2"
    left = [
        f".tmp-{owner}-{'0' * 32}"
        for owner in (f"{here}-{gone}", f"{here}-{alive}", f"{there}-{gone}")
    ]
    for name in left:
        folder.replace(name, b"half")
    folder.sweep()
    assert [folder.exists(name) for name in left] == [False, True, True]


def test_a_folder_on_a_disk_is_absolute_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = folder_at("sub/home")
    monkeypatch.chdir("/")
    assert folder.url == str(tmp_path / "sub/home")
    assert folder_at(f"file://{tmp_path}/sub/home") == folder
    assert folder.local_path("a") == tmp_path / "sub/home/a"


def test_a_write_to_a_disk_leaves_nothing_temporary(home: Folder) -> None:
    home.replace("b", b"1")
    home.create("b", b"2")
    assert os.listdir(home.path) == ["b"]


def test_what_is_no_regular_file_is_not_waited_for(home: Folder) -> None:
    home.create("a", b"1")
    os.mkfifo(home.path / "pipe")
    with pytest.raises(DamageError, match="is not a regular file"):
        home.read("pipe")
    assert list(home.files()) == ["a", "pipe"]


def test_too_little_space_is_refused_before_work(home: Folder) -> None:
    with pytest.raises(StoreError, match="needs about"):
        home.require_space(10**18, "the set")


def test_a_disk_that_may_not_be_written_is_refused_before_work(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 1_000_000) as disk:
        remount(disk, "ro")
        with pytest.raises(StoreError, match=r"the set: .* may not be written .*Read-only"):
            folder_at(f"{disk}/home").require_writable("the set")


def test_a_home_below_a_file_is_refused_before_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(StoreError, match="may not be written"):
        folder_at(str(tmp_path / "file/home")).require_writable("the set")


LOSS = """
import os, sys
from storage.folders import folder_at
from storage.errors import StoreError
folder = folder_at(sys.argv[1])
os.setgid(65534), os.setuid(65534)
try:
    folder.require_writable("the set")
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="takes the right to become somebody else")
def test_permission_that_was_lost_is_refused_before_work(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents):
        if not parent.stat().st_mode & 0o001:
            parent.chmod(0o755)
    command = [sys.executable, "-c", LOSS, str(tmp_path / "home")]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "may not be written (Permission denied); nothing was begun" in said


def test_what_a_killed_probe_left_goes_with_the_next_one(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = tmp_path / f".tmp-{platform.node()}-{dead.pid}-{'0' * 32}"
    left.touch()
    folder_at(str(tmp_path / "home" / "teachers")).require_writable("a test")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("num_bytes", [0, 1, 2**20, 2**20 + 1])
def test_what_does_not_read_back_is_never_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_bytes: int
) -> None:
    folder = folder_at(str(tmp_path / "home"))
    assert folder.create("sound", bytes(num_bytes))
    # A disk that loses what was flushed: one byte more, or another last one.
    monkeypatch.setattr(os, "fsync", lambda handle: os.pwrite(handle, b"x", max(0, num_bytes - 1)))
    with pytest.raises(StoreError, match="does not read back"):
        folder.create("lost", bytes(num_bytes))
    assert folder.names() == ["sound"]


@pytest.mark.parametrize(
    "place", ["s3:/b/k", "gs:/b", "file:/tmp/x", "http:/x", "s3:b", "S3//b", "abc:/x"]
)
def test_a_url_with_a_slip_is_no_folder_of_that_name(place: str) -> None:
    with pytest.raises(
        ValueError, match=r"which doesn't begin a URL; write .*(://bucket|file:///path)"
    ):
        folder_at(place)
    assert folder_at(f"./{place}").is_local
