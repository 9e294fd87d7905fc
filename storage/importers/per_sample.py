"""Pairs as this project's export `per-sample` writes them: tars, members KEY.x_0.npy and KEY.x_T.npy.

A sample may also have KEY.label.npy, a whole number, and KEY.states.npy, from noise to data. Rows
are the tars in the order of their names, then their samples. Only plain ustar is read, as it is written:
regular files, each sample's members in a row, all samples alike.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from storage.folders.foreign_files import entries_of, opened
from storage.importers.npy import array_in
from storage.importers.published import PublishedRows
from storage.importers.source_digest import digest_of_files
from storage.importers.stamps import Stamp, stamp_of
from storage.inert.stand_ins import require_named_itself
from storage.records import MAX_STATES

NOISE, DATA, LABEL, STATES = "x_T", "x_0", "label", "states"
_BLOCK = 512  # ustar (POSIX.1-1988): heads and contents are multiples of it
_CHUNK = 2**20
_MEMBER = re.compile(rf"([\w-]{{1,64}})\.({LABEL}|{STATES}|{DATA}|{NOISE})\.npy")
_SIZE = re.compile(rb"[0-7]{11}[\0 ]")
MAX_MEMBER_BYTES = 2**26


class _Member(NamedTuple):
    """One .npy of a tar, and its place there."""

    key: str
    field: str
    place: int
    num_bytes: int


@dataclass(frozen=True)
class PerSampleTars:
    """A folder of such tars as rows; only heads are read until a caller needs rows."""

    importer: ClassVar[str] = "per-sample"
    version: ClassVar[int] = 1

    tars: tuple[Path, ...]
    stamps: tuple[Stamp, ...]
    tar: NDArray[np.int64]  # [n] of each sample
    places: dict[str, NDArray[np.int64]]  # by field: [n]
    sizes: dict[str, int]  # of all samples' members, by field
    model: dict[str, NDArray[Any]]  # the first sample
    num_classes: int | None
    keep_states: bool

    @classmethod
    def open(
        cls, folder: Path, *, num_classes: int | None = None, keep_states: bool = False
    ) -> Self:
        """The set in a folder; a ValueError if it holds anything but such tars."""
        tars = _tars(folder)
        stamps = tuple(map(stamp_of, tars))
        tar: list[int] = []
        places: dict[str, list[int]] = {}
        sizes: dict[str, int] = {}
        for number, path in enumerate(tars):
            for sample in _samples(path):
                sizes = sizes or {name: each.num_bytes for name, each in sample.items()}
                if {name: each.num_bytes for name, each in sample.items()} != sizes:
                    key = next(iter(sample.values())).key
                    raise ValueError(f"{path}: sample {key} has other members than the first one")
                tar.append(number)
                for name, each in sample.items():
                    places.setdefault(name, []).append(each.place)
        if not tar:
            raise ValueError(f"{folder} holds no sample")
        arrays = {name: np.array(each, np.int64) for name, each in places.items()}
        with opened(tars[tar[0]]) as file:
            model = {name: _array(file, places[name][0], sizes[name]) for name in sizes}
        _require_pair(tars[0], model, num_classes=num_classes, keep_states=keep_states)
        number_of = np.array(tar, np.int64)
        return cls(tuple(tars), stamps, number_of, arrays, sizes, model, num_classes, keep_states)

    @property
    def num_pairs(self) -> int:
        """Samples of all tars."""
        return len(self.tar)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one end."""
        return self.model[DATA].shape

    @property
    def num_between(self) -> int:
        """States between the ends, if they are kept."""
        return len(self.model[STATES]) if self.keep_states else 0

    def place(self, row: int) -> str:
        """The tar of a pair and its number there."""
        number = int(self.tar[row])
        return f"sample {row - int(np.searchsorted(self.tar, number))} of {self.tars[number]}"

    def rows(self, first: int, last: int) -> PublishedRows:
        """The pairs of a half-open range, noise first; a ValueError names one that is not like the first."""
        names = [NOISE, DATA, *([LABEL] if LABEL in self.sizes else [])]
        names += [STATES] if self.keep_states else []
        found: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        for number, rows in groupby(range(first, last), key=lambda row: int(self.tar[row])):
            for name, array in self._arrays(number, rows, names):
                found[name].append(array)
        ends = np.stack(found[NOISE]), np.stack(found[DATA])
        between = np.stack(found[STATES]) if self.keep_states else None
        label = np.array(found[LABEL], np.int64) if LABEL in found else None
        self._require_classes(label, first)
        return PublishedRows(*ends, between, label)

    def _arrays(
        self, number: int, rows: Iterable[int], names: Sequence[str]
    ) -> Iterator[tuple[str, NDArray[Any]]]:
        """The arrays of some rows of one tar, row after row, each with its field."""
        if stamp_of(self.tars[number]) != self.stamps[number]:
            raise ValueError(f"{self.tars[number]} changed while it was read; import it again")
        with opened(self.tars[number]) as file:
            for row in rows:
                for name in names:
                    yield name, self._checked(file, row, name)

    def digest(self) -> str:
        """What `sha256sum *.tar | sha256sum` prints in the folder (names in the order of their bytes)."""
        return digest_of_files(self.tars[0].parent, [path.name for path in self.tars])

    def _checked(self, file: BinaryIO, row: int, name: str) -> NDArray[Any]:
        array = _array(file, int(self.places[name][row]), self.sizes[name])
        model = self.model[name]
        if (array.dtype, array.shape) != (model.dtype, model.shape):
            raise ValueError(
                f"{self.place(row)} has {name} {array.dtype} {list(array.shape)}, the first sample "
                f"{model.dtype} {list(model.shape)}; all must be alike"
            )
        return array

    def _require_classes(self, label: NDArray[np.int64] | None, first: int) -> None:
        if label is None or self.num_classes is None:
            return
        outside = np.flatnonzero((label < 0) | (label >= self.num_classes))
        if len(outside):
            row = int(outside[0])
            raise ValueError(
                f"{self.place(first + row)} has the label {label[row]}, and num_classes is "
                f"{self.num_classes}: labels are 0 … {self.num_classes - 1}; correct num_classes"
            )


def _tars(folder: Path) -> list[Path]:
    entries = entries_of(folder, "give the one that holds the tars")
    names = sorted(entry.name for entry in entries)
    if strange := [name for name in names if not name.endswith(".tar")]:
        raise ValueError(f"{folder} holds {strange[0]!r}, which isn't a .tar; take it out")
    if not names:
        raise ValueError(f"{folder} holds no .tar file; give the folder that the export wrote")
    return [folder / name for name in names]


def _samples(path: Path) -> Iterator[dict[str, _Member]]:
    """The members of each sample, by field."""
    try:
        with opened(path) as file:
            yield from _grouped(_members(file))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _grouped(members: Iterable[_Member]) -> Iterator[dict[str, _Member]]:
    for key, found in groupby(members, key=lambda member: member.key):
        listed = list(found)
        sample = {member.field: member for member in listed}
        if len(sample) != len(listed) or not {NOISE, DATA} <= sample.keys():
            raise ValueError(f"sample {key} lacks {NOISE} or {DATA}, or has a member twice")
        yield sample


def _members(file: BinaryIO) -> Iterator[_Member]:
    end = file.seek(0, 2)
    file.seek(0)
    require_named_itself(file.read(_BLOCK), "it")
    place = 0
    while any(head := _read(file, place, _BLOCK)):
        name = head[:100].rstrip(b"\0").decode("ascii", "replace")
        found = _MEMBER.fullmatch(name)
        if found is None or head[156:157] not in b"0\0" or not _SIZE.fullmatch(head[124:136]):
            raise ValueError(
                f"it holds {name[:80]!r}, which isn't a plain file KEY.x_0.npy, .x_T.npy, "
                ".label.npy or .states.npy, as kdm pairs export --to per-sample writes them"
            )
        size = int(head[124:135], 8)
        if size > min(MAX_MEMBER_BYTES, end - place - _BLOCK):
            raise ValueError(f"{name} declares {size:,} bytes, more than there are or are read")
        yield _Member(found[1], found[2], place + _BLOCK, size)
        place += _BLOCK + size + -size % _BLOCK
    file.seek(place)
    while chunk := file.read(_CHUNK):
        if any(chunk):
            raise ValueError(f"it is damaged at byte {place:,}; copy or export it again")


def _read(file: BinaryIO, place: int, num_bytes: int) -> bytes:
    file.seek(place)
    data = file.read(num_bytes)
    if len(data) != num_bytes:
        raise ValueError("it is cut off; copy or export it again")
    return data


def _array(file: BinaryIO, place: int, num_bytes: int) -> NDArray[Any]:
    return array_in(_read(file, place, num_bytes))


def _require_pair(
    path: Path, model: dict[str, NDArray[Any]], *, num_classes: int | None, keep_states: bool
) -> None:
    noise, data, label = model[NOISE], model[DATA], model.get(LABEL)
    is_pair = noise.dtype.kind == data.dtype.kind == "f" and noise.shape == data.shape != ()
    if not is_pair or (label is not None and (label.dtype.kind not in "iu" or label.shape)):
        forms = [f"{name} {each.dtype} {list(each.shape)}" for name, each in model.items()]
        raise ValueError(
            f"{path} holds {', '.join(forms)}; right are floats of one shape and one whole number"
        )
    if (label is None) != (num_classes is None):
        raise ValueError(
            f"{path} has labels, and nothing in it says how many classes there are; add "
            "--set num_classes=N"
            if num_classes is None
            else f"{path} doesn't have labels; leave num_classes out"
        )
    states = model.get(STATES)
    if keep_states and (states is None or not 1 <= len(states) <= MAX_STATES):
        raise ValueError(f"{path} doesn't have states between its ends; leave keep_states out")
