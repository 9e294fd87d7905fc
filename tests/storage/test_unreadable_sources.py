"""A source that may not be read, or whose disk fails, is one sentence with the path and the remedy."""

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import storage.folders.foreign_files
from kdm.datasets.arrays import ArraysData
from kdm.datasets.image_folder import ImageFolderData
from kdm.datasets.image_tars import ImageTarsData
from storage.errors import StoreError
from storage.folders import folder_at
from storage.importers import IMPORTERS, import_pairs, importer_of

# A file that each importer opens, in a folder as it expects it.
FILES = {
    "kdm-checkerboard": "x.npy",
    "kdm-npz": "0.npz",
    "get": "latent/1.pkl",
    "rectified-flow": "z0.npy",
    "per-sample": "0.tar",
}


def source(tmp_path: Path, importer: str) -> Path:
    for name in (
        FILES[importer],
        *{"get": ["image/1.pkl"], "rectified-flow": ["z1.npy"]}.get(importer, []),
    ):
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(2**10))
    return tmp_path / "source" / (FILES[importer] if importer == "kdm-checkerboard" else "")


def failing(monkeypatch: pytest.MonkeyPatch, reason: int, *, at: Callable[[Path], bool]) -> None:
    """Opening fails at some files; a test that runs as root is let in everywhere."""
    real = Path.open

    def opened(self: Path, *arguments: Any, **options: Any) -> io.IOBase:
        if at(self):
            raise OSError(reason, "Some words of a library")
        return real(self, *arguments, **options)

    monkeypatch.setattr(storage.folders.foreign_files.Path, "open", opened)


@pytest.mark.parametrize("importer", IMPORTERS)
@pytest.mark.parametrize(
    ("reason", "remedy"),
    [(errno.EACCES, "change its permissions"), (errno.EIO, "check the disk")],
)
def test_a_file_that_cannot_be_read_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, importer: str, reason: int, remedy: str
) -> None:
    place, broken = source(tmp_path, importer), tmp_path / "source" / FILES[importer]
    failing(monkeypatch, reason, at=lambda path: path == broken)
    with pytest.raises(StoreError, match=f"{broken} could not be read .*{remedy}"):
        import_pairs(importer, place, folder_at(str(tmp_path / "home")), name="x")


@pytest.mark.parametrize("importer", [name for name in IMPORTERS if name != "kdm-checkerboard"])
def test_a_folder_that_cannot_be_listed_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, importer: str
) -> None:
    place = source(tmp_path, importer)

    def refused(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Some words of a library")

    monkeypatch.setattr(storage.folders.foreign_files.os, "scandir", refused)
    with pytest.raises(StoreError, match=r"could not be listed .*change its permissions"):
        import_pairs(importer, place, folder_at(str(tmp_path / "home")), name="x")
    with pytest.raises(StoreError, match=f"{place} could not be listed"):
        importer_of(place)


@pytest.mark.parametrize(
    ("kind", "name"), [(ArraysData, "x.npz"), (ImageTarsData, "x.tar"), (ImageFolderData, "x.zip")]
)
def test_pictures_that_cannot_be_read_are_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Any], name: str
) -> None:
    (tmp_path / name).write_bytes(bytes(2**10))
    failing(monkeypatch, errno.EACCES, at=lambda path: path.name == name)
    with pytest.raises(StoreError, match=f"{name} could not be read .*change its permissions"):
        kind(source=str(tmp_path / name), shape=(3, 8, 8)).train()
