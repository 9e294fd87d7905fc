"""A file system may lack hard links, exclusive renames, locks or the flush of a folder."""

import errno
import fcntl
import os
import threading
from pathlib import Path
from typing import Any, NoReturn

import pytest

from storage.digest import sha256_of
from storage.errors import NoExclusiveCreationError, StoreError
from storage.folders import Folder, exclusive
from storage.reading.cache import ShardCache

LACKING = [errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP]


def refusing(number: int) -> Any:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", LACKING)
def test_without_hard_links_the_first_writer_still_wins(
    home: Folder, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "link", refusing(number))
    home.require_writable("a test")
    assert home.create("sub/a", b"first")
    monkeypatch.setattr(
        Path, "exists", lambda _: False
    )  # as where both have looked before either wrote
    assert not home.create("sub/a", b"second")
    assert home.read("sub/a") == b"first"
    assert list(home.files()) == ["sub/a"]


def test_without_hard_links_one_of_many_writers_wins(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    won: list[int] = []
    writers = [
        threading.Thread(target=lambda n=n: home.create("a", b"%d" % n) and won.append(n))
        for n in range(16)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [home.read("a")] == [b"%d" % each for each in won]


@pytest.mark.parametrize("number", LACKING)
def test_without_any_exclusive_creation_nothing_is_begun(
    home: Folder, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    home.replace("a", b"1")
    monkeypatch.setattr(os, "link", refusing(number))
    monkeypatch.setattr(exclusive, "_renameat2", lambda *_: errno.EINVAL)
    with pytest.raises(StoreError, match=r"a set: nothing was begun, .* neither hard links"):
        home.require_writable("a set")
    with pytest.raises(NoExclusiveCreationError, match="choose a --home on a local disk"):
        home.create("sub/deep/b", b"1")
    assert os.listdir(home.local_path()) == ["a"]


def test_a_disk_that_replaces_what_was_to_be_created_is_refused(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", os.replace)
    with pytest.raises(StoreError, match=r"nothing was begun, .* replaces a file"):
        home.require_writable("a set")


def test_a_file_system_that_cannot_flush_a_folder_is_written_all_the_same(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = os.fsync
    is_folder = lambda handle: os.path.isdir(f"/proc/self/fd/{handle}")  # noqa: E731
    refuse = refusing(errno.EINVAL)
    monkeypatch.setattr(os, "fsync", lambda each: refuse() if is_folder(each) else flush(each))
    home.require_writable("a test")
    assert home.create("a", b"1")
    assert home.read("a") == b"1"


def test_a_cache_without_locks_or_links_holds_what_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", refusing(errno.ENOLCK))
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    monkeypatch.setattr(exclusive, "_renameat2", lambda *_: errno.EINVAL)
    digest = sha256_of(b"shard")
    cache = ShardCache(tmp_path / "cache", 100)
    assert bytes(cache.open(digest, lambda: b"shard").mapped()) == b"shard"
