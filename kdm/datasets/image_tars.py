"""Pictures in WebDataset tars: `KEY.png` or `KEY.jpg`, and the class as text in `KEY.cls`.

Files whose names are equal up to the first dot, and which follow each other, are one sample. The tars
of a folder are read in the sorted order of their names, each from its beginning to its end; tables,
statistics, indices and notes beside them, as img2dataset writes them, are skipped.
"""

import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, NamedTuple

from kdm.datasets.images import ImageData, files_below, is_beside
from kdm.datasets.pictures import MAX_FILE_BYTES, SUFFIXES, Pictures, Sample, gathered
from storage.folders.file_names import is_hidden
from storage.folders.foreign_files import opened
from storage.inert.stand_ins import require_named_itself

LABEL = "cls"
_BESIDE = ("json", "txt")  # captions and the like, which such tars often carry; not read
# Tables, statistics, indices and notes, as img2dataset and others leave them beside tars: no pictures.
_BOOKKEEPING = re.compile(
    r"\.(?:parquet|feather|jsonl?|csv|tsv|txt|md|ya?ml|html|log|idx|index|sha256|md5)\Z|\A_SUCCESS\Z"
)
_CLASS = re.compile(rb"\s*(\d{1,10})\s*")
_MAX_CLASS_BYTES = 64
_CHUNK = _MAX_HEAD_BYTES = 2**20  # a long name is a separate head, of some hundred bytes


class ImageTarsData(ImageData):
    """A tar or a folder of tars as WebDataset writes them, not compressed.

    The order of the pictures is that of the tars' names, and within a tar that of its files.
    """

    kind: Literal["image-tars"] = "image-tars"

    def read(self, path: Path) -> Pictures:
        """All pictures, tar by tar."""
        tars = _tars_below(path) if path.is_dir() else [path]
        if not tars:
            raise ValueError(f"{path} holds no .tar; give the folder of the tars")
        if strange := [tar.name for tar in tars if tar.suffix != ".tar"]:
            raise ValueError(f"{strange[0][:80]!r} is not a .tar; unpack, convert or remove it")
        samples = (sample for tar in tars for sample in _samples(tar))
        return gathered(
            samples, self.shape, num_classes=self.num_classes, at_most=self.in_memory_bytes
        )


def _tars_below(folder: Path) -> list[Path]:
    """The files of a folder that could be tars: without what people and tools write beside them."""
    names = {file: file.relative_to(folder).as_posix() for file in files_below(folder)}
    return [
        file for file in names if not (is_beside(names[file]) or _BOOKKEEPING.search(file.name))
    ]


class _Part(NamedTuple):
    """One file of a sample: `KEY.SUFFIX` and its bytes."""

    key: str
    suffix: str
    data: bytes


def _samples(path: Path) -> Iterator[Sample]:
    """The samples of one tar in its order; a ValueError if a sample's files are scattered."""
    seen: set[str] = set()
    for key, parts in groupby(_parts(path), key=lambda part: part.key):
        if key in seen:
            raise ValueError(f"the files of {key} in {path.name} are scattered; pack them in a row")
        seen.add(key)
        yield _sample(f"{key} in {path.name}", list(parts))


def _sample(place: str, parts: list[_Part]) -> Sample:
    """One picture and its class from the files of one key."""
    by_suffix = {part.suffix: part.data for part in parts}
    pictures = [suffix for suffix in by_suffix if suffix in SUFFIXES]
    if len(pictures) != 1 or len(by_suffix) != len(parts):
        raise ValueError(
            f"{place} has {len(pictures)} pictures in {len(parts)} files; a sample is one picture "
            f"({', '.join(SUFFIXES)}) and its {LABEL}: pack it again"
        )
    label = _class(by_suffix[LABEL], place) if LABEL in by_suffix else None
    return Sample(place, by_suffix[pictures[0]], label)


def _class(data: bytes, place: str) -> int:
    """The class in the bytes of a `.cls` file: a whole number as text."""
    match = _CLASS.fullmatch(data[:_MAX_CLASS_BYTES])
    if match is None:
        raise ValueError(f"{place} has the {LABEL} {data[:20]!r}; write a whole number as text")
    return int(match[1])


class _Heads:
    """A tar as tarfile reads it, heads alone: one that claims to be long is refused, not read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        """The next bytes, a head's worth at most."""
        if not 0 <= size <= _MAX_HEAD_BYTES:
            raise tarfile.ReadError(f"a head claims {size:,} bytes")
        return self._file.read(size)


def _parts(path: Path) -> Iterator[_Part]:
    """The files of a tar that belong to samples; a ValueError if it is broken anywhere."""
    with opened(path) as file, _required_sound(path.name):
        require_named_itself(file.read(tarfile.BLOCKSIZE), path.name)
        file.seek(0)
        heads: Any = _Heads(file)  # tarfile's type asks for write as well
        with tarfile.open(fileobj=heads, mode="r:") as tar:
            for member in tar:
                yield from _part(file, member)
        _require_end(file, tar.offset, path.name)


@contextmanager
def _required_sound(name: str) -> Iterator[None]:
    """What tarfile raises on a broken tar, as a ValueError with the tar's name."""
    try:
        yield
    except (tarfile.TarError, EOFError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{name} is not a valid tar file ({str(error)[:120]}); fetch or pack it again"
        ) from error


def _part(file: BinaryIO, member: tarfile.TarInfo) -> Iterator[_Part]:
    """A member as a file of a sample; nothing of folders, hidden files and captions."""
    if member.isdir():
        return
    name = member.name
    folder, _, base = name.rpartition("/")
    key, _, suffix = base.partition(".")
    _require_plain(member)
    if is_hidden(PurePosixPath(name).as_posix()):  # webdataset skips them, too
        return
    suffix = suffix.lower()
    if suffix not in (*SUFFIXES, LABEL, *_BESIDE):
        known = ", ".join((*SUFFIXES, LABEL))
        raise ValueError(f"it holds {name[:80]!r}, which isn't one of {known}; remove it")
    if suffix not in _BESIDE:
        yield _Part(f"{folder}/{key}" if folder else key, suffix, _content(file, member))


def _content(file: BinaryIO, member: tarfile.TarInfo) -> bytes:
    """A member's bytes; an error if the tar ends before them."""
    file.seek(member.offset_data)
    data = file.read(member.size)
    if len(data) != member.size:
        raise tarfile.ReadError(f"it is cut off in {member.name[:80]!r}")
    return data


def _require_plain(member: tarfile.TarInfo) -> None:
    """A ValueError if a member isn't a plain file with a plain name of a usual size."""
    name = member.name
    parts = PurePosixPath(name).parts
    if not member.isreg() or member.issparse() or ".." in parts or parts[:1] == ("/",):
        raise ValueError(
            f"it holds {name[:80]!r}, which is a link, a device, or leads out; pack plain files"
        )
    if not name.isprintable():
        raise ValueError(f"it holds {name[:80]!r}, which isn't a plain name; pack it again")
    if not 0 <= member.size <= MAX_FILE_BYTES:
        raise ValueError(f"{name} has {member.size:,} bytes; at most {MAX_FILE_BYTES:,} are read")


def _require_end(file: BinaryIO, end: int, name: str) -> None:
    """A ValueError unless zeros alone follow the last file.

    tarfile ends at a broken head as if the file ended, and half a set would look like a whole one.
    """
    file.seek(end)
    chunk = file.read(_CHUNK)
    is_sound = len(chunk) >= tarfile.BLOCKSIZE
    while chunk and is_sound:
        is_sound = not any(chunk)
        chunk = file.read(_CHUNK)
    if not is_sound:
        raise ValueError(f"{name} is cut off or damaged at byte {end:,}; fetch or pack it again")
