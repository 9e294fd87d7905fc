"""What cannot be listed is never empty, and what others leave in a folder is none of its files."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from conftest import filled_store
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from kdm.datasets.images import files_below
from storage.care.garbage import temporary_files
from storage.care.verify import faults
from storage.digest import sha256_of
from storage.errors import DamageError, StoreError
from storage.folders import Folder, folder_at
from storage.folders.file_names import is_hidden
from storage.reading.cache import ShardCache
from storage.set_folder import places
from storage.store import PairStore

LISTS: dict[str, Callable[[Path], object]] = {
    "names": lambda path: folder_at(f"{path}/a/closed").names(),
    "files": lambda path: folder_at(str(path)).files(),
    "size": lambda path: folder_at(str(path)).num_bytes(),
    "sweep": lambda path: folder_at(str(path)).sweep(),
    "garbage": lambda path: temporary_files(folder_at(str(path))),
    "pictures": files_below,
}


def closed(patch: pytest.MonkeyPatch, name: str, code: int) -> None:
    """Have the system fail where a folder of this name is listed."""

    def failing(real: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def listed(path: Any = ".") -> Any:
            if os.path.basename(path) == name:
                raise OSError(code, os.strerror(code), str(path))
            return real(path)

        return listed

    for function in ("listdir", "scandir"):
        patch.setattr(os, function, failing(getattr(os, function)))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
@pytest.mark.parametrize("lists", LISTS)
def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lists: str, code: int
) -> None:
    (tmp_path / "a" / "closed").mkdir(parents=True)
    closed(monkeypatch, "closed", code)
    with pytest.raises(StoreError, match=rf"a/closed could not be listed \({os.strerror(code)}\)"):
        LISTS[lists](tmp_path)


@pytest.mark.parametrize("name", ["masks", "records", "shards", "manifests", "train"])
def test_a_set_with_a_folder_that_cannot_be_listed_is_not_said_to_be_sound(
    home: Folder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    store = filled_store(home, 300)
    store.base.create("masks/x", b"")
    closed(monkeypatch, name, errno.EACCES)
    with pytest.raises(StoreError, match=f"/{name} could not be listed"):
        [faults(PairStore(home, *place, store.spec)) for place in places(home)]


def test_a_cache_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed(monkeypatch, tmp_path.name, errno.EIO)
    with pytest.raises(StoreError, match="may not be listed"):
        ShardCache(tmp_path).open(sha256_of(b"1"), lambda: b"1")


class _Closed(MemoryFileSystem):
    """A file system that does not list the folder `closed`, as one over ssh may not."""

    find = AbstractFileSystem.find

    def ls(self, path: str, detail: bool = True, **_: Any) -> Any:
        """What lies there."""
        if path.endswith("/closed"):
            raise PermissionError(errno.EACCES, "no", path)
        return super().ls(path, detail=detail)


def test_a_remote_folder_that_cannot_be_listed_below_is_not_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = folder_at(f"memory://{uuid4().hex}")
    folder.create("a/b", b"1")
    folder.create("a/closed/c", b"1")
    assert list(folder.files()) == ["a/b", "a/closed/c"]
    path = f"/{folder.url.removeprefix('memory://')}"
    monkeypatch.setattr("storage.folders.remote_folder.file_system", lambda url: (_Closed(), path))
    with pytest.raises(StoreError, match="could not be listed"):
        folder.files()


def test_empty_objects_that_show_folders_are_no_files(s3: str) -> None:
    url = f"{s3}/{uuid4().hex}"
    store = filled_store(folder_at(url), 300)
    bucket, _, key = url.removeprefix("s3://").partition("/")
    client, base = boto3.client("s3"), f"{key}/train/{store.layout}"
    for name in ("", "/records", "/masks", "/shards", "/notes"):
        for marker in (f"{name}/", f"{name}_$folder$", f"{name}/.DS_Store"):
            client.put_object(Bucket=bucket, Key=f"{base}{marker}", Body=b"")
    assert faults(store) == []
    assert store.records_folder.names() == ["000000.json", "000001.json"]
    assert "notes/" not in "".join(store.base.files())
    store.folder.remove("train")
    assert client.list_objects_v2(Bucket=bucket, Prefix=base)["KeyCount"] == 0


@pytest.mark.parametrize(
    "name",
    [
        *(
            ".DS_Store",
            "a/._b.json",
            "Thumbs.db",
            "thumbs.db",
            ".nfs0123",
            "desktop.ini",
            "a/.git/b",
        ),
        *("__MACOSX/a.json", "lost+found", ".ipynb_checkpoints/a-checkpoint.json", "a_$folder$"),
        *("Icon\r", "Thumbs.db:encryptable", "a/000000.json:Zone.Identifier"),
    ],
)
def test_what_systems_leave_is_hidden(home: Folder, name: str) -> None:
    assert is_hidden(name)
    home.create(name, b"1")
    home.create("own", b"1")
    assert list(home.files()) == ["own"]


@pytest.mark.parametrize("name", ["a.json", "x_0/c/0/0", "zarr.json", "folder", "a-thumbs.db"])
def test_our_own_names_are_not_hidden(name: str) -> None:
    assert not is_hidden(name)


def test_a_link_that_leads_nowhere_is_named_where_it_is_read(home: Folder) -> None:
    home.create("a", b"1")
    os.symlink("nowhere", home.local_path("b"))
    assert list(home.files()) == ["a", "b"]
    with pytest.raises(DamageError, match="is a link that leads nowhere"):
        home.read("b")
    home.remove("b")
    assert home.names() == ["a"]
