"""A zip or folder of PNG or JPEG files, as EDM's dataset tool, evaluation tools and torchvision have them.

    00000/img00000000.png  …  dataset.json: {"labels": [["00000/img00000000.png", 6], …]}
    cat/0001.png  dog/0001.jpg  …                    without dataset.json: a folder a class

Pictures are read in the sorted order of their whole names, as EDM and clean-fid read them. Classes are
those of `dataset.json`; without it the first folder is the class: its number if all folders are
numbers, else its place in their sorted order, as torchvision's ImageFolder counts. A `.zip.xz` is
unpacked in memory. Nothing is ever written, and a name in a zip never becomes a path.
"""

import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, ClassVar, Literal

from kdm.datasets.images import ImageData, files_below, is_beside
from kdm.datasets.pictures import (
    MAX_FILE_BYTES,
    SUFFIXES,
    Pictures,
    Resize,
    Sample,
    gathered,
)
from storage.folders.foreign_files import opened
from storage.inert.stand_ins import require_file_itself

LABELS = "dataset.json"
_MAX_LABEL_BYTES = 2**28  # 256 MiB; of a million pictures it is about 40
_MAX_UNPACKED_BYTES = 2**31  # of a .zip.xz, in memory
_MAX_UNPACKER_BYTES = 2**27  # `xz -9` asks for 65 MiB
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_IS_ENCRYPTED = 1
_OTHER_KINDS = {".npy": "arrays", ".npz": "arrays", ".tar": "image-tars"}
_EDM_NAME = re.compile(r"\d{5}/img\d{8}\.\w+")  # its folders aren't classes
# What zipfile raises on broken files, of which only the first is its own.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, OSError, ValueError),
)
_READ = Callable[[str, int], bytes]  # a file's name and its largest size to its bytes


class ImageFolderData(ImageData):
    """A zip or folder of pictures: `source` names it, `heldout_source` another one for held-out pictures.

    Both forms of the same files make the same set, with the same digest.
    """

    added_later: ClassVar[Mapping[str, Any]] = {"resize": None}

    kind: Literal["image-folder"] = "image-folder"
    resize: Resize | None = None  # of pictures larger than `shape`; None: they are refused

    def read(self, path: Path) -> Pictures:
        """All pictures, in the order of their names."""
        with _opened(path) as (names, read):
            pictures = _pictures_of(names)
            labels = self._labels(names, pictures, read)
            samples = (
                Sample(name, read(name, MAX_FILE_BYTES), labels.get(name)) for name in pictures
            )
            return gathered(
                samples,
                self.shape,
                num_classes=self.num_classes,
                at_most=self.in_memory_bytes,
                resize=self.resize,
            )

    def _labels(self, names: list[str], pictures: list[str], read: _READ) -> dict[str, int]:
        """The class of each picture by its name; {} if the set has no classes."""
        if self.num_classes is None:
            return {}
        if LABELS in names:
            return _stated_labels(pictures, read)
        return _labels_by_folder(pictures, self.num_classes)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[list[str], _READ]]:
    """The names of a source's files, and what reads one."""
    if path.is_dir():
        yield [file.relative_to(path).as_posix() for file in files_below(path)], _reader(path)
        return
    if not path.name.endswith((".zip", ".zip.xz")):
        kind = _OTHER_KINDS.get(path.suffix)
        remedy = f"set dataset.kind to {kind}" if kind else "pack the pictures as a zip"
        raise ValueError(f"it is neither a folder nor a .zip or .zip.xz; {remedy}")
    with opened(path) as file:
        require_file_itself(file)
    with opened(path) as file, _archive(_unpacked(file, path)) as archive:
        infos = _members(archive)
        yield list(infos), lambda name, at_most: _member(archive, infos[name], at_most)


def _reader(folder: Path) -> _READ:
    """Reads a file of a folder by its name; a ValueError before one that is too large is read."""

    def read(name: str, at_most: int) -> bytes:
        with opened(folder / name) as file:
            _require_size(name, file.seek(0, 2), at_most)
            file.seek(0)
            return file.read()

    return read


def _unpacked(file: BinaryIO, path: Path) -> BinaryIO:
    """The zip in a .zip.xz, in memory; any other file as it is."""
    if path.suffix != ".xz":
        return file
    _require_size(path.name, path.stat().st_size, _MAX_UNPACKED_BYTES)
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MAX_UNPACKER_BYTES)
    try:
        data = unpacker.decompress(file.read(), _MAX_UNPACKED_BYTES)
    except lzma.LZMAError as error:
        raise ValueError(f"it cannot be unpacked ({error}); fetch it again, or unxz it") from error
    if not unpacker.eof:
        raise ValueError(
            f"it is cut off, or unpacks to more than {_MAX_UNPACKED_BYTES:,} bytes; "
            "fetch it again, or unxz it"
        )
    return BytesIO(data)


def _archive(file: BinaryIO) -> zipfile.ZipFile:
    """The zip; a ValueError if its list of members cannot be read."""
    try:
        return zipfile.ZipFile(file)
    except _BROKEN as error:
        raise ValueError(
            f"it is not a valid zip file ({str(error)[:120]}); fetch or pack it again"
        ) from error


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip by name; a ValueError if two have one name or one leads out of it."""
    infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    for info in infos:
        _require_plain_name(info.filename)
    by_name = {info.filename: info for info in infos}
    if len(by_name) != len(infos):
        raise ValueError("two files in it have one name; pack it again")
    return by_name


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, at_most: int) -> bytes:
    """One file of a zip, read to its end, which compares its checksum."""
    name = info.filename
    _require_size(name, info.file_size, at_most)
    if info.compress_type not in _METHODS or info.flag_bits & _IS_ENCRYPTED:
        raise ValueError(f"{name} is encrypted or packed in an unusual way; pack it as a plain zip")
    try:
        with archive.open(info) as member:
            return member.read(info.file_size + 1)  # to its end, which compares the checksum
    except _BROKEN as error:
        raise ValueError(
            f"{name} is damaged ({str(error)[:120]}); fetch or pack the zip again"
        ) from error


def _require_plain_name(name: str) -> None:
    """A ValueError if a name could lead out of the archive or hide what it is."""
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or parts[0] == "/" or "\\" in name or not name.isprintable():
        raise ValueError(f"a file in it is called {name[:80]!r}, which leads out; pack it again")


def _require_size(name: str, num_bytes: int, at_most: int) -> None:
    """A ValueError if a file is larger than anything that is read."""
    if num_bytes > at_most:
        raise ValueError(f"{name} has {num_bytes:,} bytes; at most {at_most:,} are read")


def _pictures_of(names: list[str]) -> list[str]:
    """The names of pictures, sorted; other files are refused, except hidden ones and READMEs."""
    seen = [name for name in names if not is_beside(name)]
    pictures = sorted(name for name in seen if _suffix(name) in SUFFIXES)
    if strange := sorted(set(seen) - {*pictures, LABELS}):
        raise ValueError(
            f"it holds {strange[0][:80]!r}, which isn't {', '.join(SUFFIXES)} or {LABELS}; "
            "convert or remove it"
        )
    return pictures


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower().removeprefix(".")


def _labels_by_folder(pictures: list[str], num_classes: int) -> dict[str, int]:
    """The class of each picture by its first folder; a ValueError if folders aren't classes.

    Folders whose names are numbers are their own classes, others count in their sorted order.
    """
    folders = sorted({name.partition("/")[0] for name in pictures if "/" in name})
    alone = [name for name in pictures if "/" not in name]
    if alone or all(map(_EDM_NAME.fullmatch, pictures)):
        raise ValueError(
            f"it lacks {LABELS}, but num_classes needs labels; add it, put each class in its own "
            "folder, or leave num_classes out"
        )
    if all(folder.isdecimal() for folder in folders):
        return {name: int(name.partition("/")[0]) for name in pictures}
    if len(folders) != num_classes:
        raise ValueError(
            f"num_classes is {num_classes}, but its pictures are in {len(folders):,} folders, "
            f"which are its classes without a {LABELS}; correct num_classes, or give every class "
            "its folder"
        )
    return {name: folders.index(name.partition("/")[0]) for name in pictures}


def _stated_labels(pictures: list[str], read: _READ) -> dict[str, int]:
    """The class of each picture; a ValueError unless `dataset.json` lists exactly these pictures.

    One that lists a picture more or less belongs to another version of the data.
    """
    items = _items(read(LABELS, _MAX_LABEL_BYTES))
    labels = dict(map(_labelled, items))
    if len(labels) != len(items):
        raise ValueError(f"{LABELS} labels a picture twice; correct it")
    if others := sorted(labels.keys() ^ set(pictures)):
        fault = "labels a picture that isn't there" if others[0] in labels else "lacks the label of"
        raise ValueError(
            f"{LABELS} {fault}, {others[0][:80]!r} (names on one side only: "
            f"{len(others):,}); write it again from these pictures"
        )
    return labels


def _items(data: bytes) -> list[Any]:
    """The list under 'labels' in the bytes of a `dataset.json`."""
    try:
        document = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{LABELS} is not readable JSON ({str(error)[:120]})") from error
    items = document.get("labels") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise ValueError(
            f"{LABELS} lacks the list 'labels', but num_classes needs labels; "
            "add it, or leave num_classes out"
        )
    return items


def _labelled(item: Any) -> tuple[str, int]:
    """One item of that list, [name, class]."""
    name, label = item if isinstance(item, list) and len(item) == 2 else (None, None)
    if not isinstance(name, str) or type(label) is not int:
        raise ValueError(
            f"{LABELS} holds {str(item)[:80]}; each item is [name, class] with a whole number"
        )
    return name, label
