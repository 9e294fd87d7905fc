"""Tensors in files that torch.save wrote, as rows to read; no torch, and nothing is executed.

Both of its formats: a zip with the pickle in `NAME/data.pkl` and each storage in `NAME/data/KEY`
(torch 1.6 and later), and the one before, five parts after each other: three pickles (a magic
number, the version, the machine), the tensors' pickle, the storages' keys, then their numbers.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.importers.pickles import MAX_BYTES, TensorName, described_in
from storage.importers.zips import Member, members_of, read_member

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_MAX_AXES = 8
# What stands in the zip beside pickle and numbers; nothing of it is needed but the order of bytes.
_BESIDE = (
    "version",
    "byteorder",
    ".format_version",
    ".storage_alignment",
    ".data/serialization_id",
)


class _Numbers(NamedTuple):
    offset: int
    num_bytes: int


class Stamp(NamedTuple):
    """What changes where a file is written to."""

    num_bytes: int
    modified_at: int


@dataclass(frozen=True)
class TensorRows:
    """A tensor at rest: rows are read from its file, as few as are asked for."""

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int  # of its first byte
    axes: tuple[int, ...]  # of a row, as they lie in the file, the outermost first
    stamp: Stamp

    def __len__(self) -> int:
        return self.shape[0]

    def rows(self, first: int, last: int) -> NDArray[Any]:
        """The rows of a half-open range; a ValueError where the file has changed since."""
        size = math.prod(self.shape[1:])
        with self.path.open("rb") as file:
            if stamp_of(self.path) != self.stamp:
                raise ValueError(f"{self.path} changed while it was read; import it again")
            file.seek(self.offset + first * size * self.dtype.itemsize)
            flat = np.frombuffer(file.read((last - first) * size * self.dtype.itemsize), self.dtype)
        lying = flat.reshape(last - first, *(self.shape[1 + axis] for axis in self.axes))
        return lying.transpose(0, *(1 + place for place in np.argsort(self.axes, kind="stable")))


def tensors_in(path: Path) -> tuple[TensorRows, ...]:
    """The tensor that a file holds, or the two of a list; a ValueError where there is anything else."""
    with path.open("rb") as file:
        is_zip = file.read(4) == b"PK\3\4"
        value, numbers = _zipped(file) if is_zip else _legacy(file)
    names = [value] if isinstance(value, TensorName) else value
    if not isinstance(names, list | tuple) or not 1 <= len(names) <= 2:
        raise ValueError("it holds neither a tensor nor a list of two")
    return tuple(_tensor(path, name, numbers) for name in names)


def stamp_of(path: Path) -> Stamp:
    """A file's size and time of change."""
    found = path.stat()
    return Stamp(found.st_size, found.st_mtime_ns)


def _zipped(file: BinaryIO) -> tuple[Any, dict[str, _Numbers]]:
    members = members_of(file)
    top = min(members, default="").partition("/")[0]
    own = {name.removeprefix(f"{top}/"): member for name, member in members.items()}
    numbers = {name[5:]: own[name] for name in own if name[:5] == "data/"}
    strange = own.keys() - {"data.pkl", *_BESIDE} - {f"data/{key}" for key in numbers}
    if strange or "data.pkl" not in own or any(not key.isdecimal() for key in numbers):
        raise ValueError(f"it holds '{min(strange, default=top)}', which no saved tensor has")
    if "byteorder" in own and read_member(file, own["byteorder"], at_most=16) != b"little":
        raise ValueError("its numbers are not little-endian; save it on another machine")
    value, _ = described_in(read_member(file, own["data.pkl"], at_most=MAX_BYTES))
    return value, {key: _stored(member) for key, member in numbers.items()}


def _stored(member: Member) -> _Numbers:
    if member.is_deflated:
        raise ValueError(f"'{member.name}' is packed; torch.save does not pack")
    return _Numbers(member.offset, member.num_bytes)


def _legacy(file: BinaryIO) -> tuple[Any, dict[str, _Numbers]]:
    file.seek(0)
    head, end = file.read(MAX_BYTES), 0
    values = []
    for _ in range(5):
        value, end = described_in(head, end)
        values.append(value)
    magic, version, machine, tensors, keys = values
    if magic != _MAGIC or version != _VERSION or not isinstance(machine, dict):
        raise ValueError("it does not begin as a file of torch.save")
    if machine.get("little_endian") is not True or not isinstance(keys, list) or len(keys) > 2:
        raise ValueError("its numbers are not little-endian, or in more than two parts")
    return tensors, _after_each_other(file, end, keys, _widths(tensors))


def _widths(tensors: Any) -> dict[str, int]:
    """Bytes of a number, by the storage's key."""
    names = tensors if isinstance(tensors, list | tuple) else ()
    names = [tensors] if isinstance(tensors, TensorName) else names
    found = (name.storage for name in names if isinstance(name, TensorName))
    return {storage.key: storage.dtype.itemsize for storage in found}


def _after_each_other(
    file: BinaryIO, place: int, keys: list[Any], widths: dict[str, int]
) -> dict[str, _Numbers]:
    numbers = {}
    for key in keys:
        if not isinstance(key, str) or key not in widths:
            raise ValueError("it lists numbers of no tensor")
        file.seek(place)
        num_bytes = int.from_bytes(file.read(8), "little") * widths[key]
        numbers[key] = _Numbers(place + 8, num_bytes)
        place += 8 + num_bytes
    if place != file.seek(0, 2):
        raise ValueError("it is cut off, or goes on after its numbers")
    return numbers


def _tensor(path: Path, name: Any, numbers: dict[str, _Numbers]) -> TensorRows:
    if not isinstance(name, TensorName) or name.storage.key not in numbers:
        raise ValueError("it holds neither a tensor nor a list of two")
    found, storage = numbers[name.storage.key], name.storage
    width = storage.dtype.itemsize
    if found.num_bytes != storage.num_values * width:
        raise ValueError(
            f"it declares {storage.num_values:,} numbers of {width} bytes and holds "
            f"{found.num_bytes:,} bytes"
        )
    axes = _axes(name)
    if name.offset + math.prod(name.shape) > storage.num_values:
        raise ValueError("a tensor does not lie inside its numbers")
    offset = found.offset + name.offset * width
    return TensorRows(path, storage.dtype, name.shape, offset, axes, stamp_of(path))


def _axes(name: TensorName) -> tuple[int, ...]:
    """A row's axes as they lie in the file; a ValueError unless rows lie one after the other.

    So every number is there once: strides that repeat or skip some are refused.
    """
    if not 1 <= len(name.shape) == len(name.strides) <= _MAX_AXES or 0 in name.shape:
        raise ValueError("a tensor has no rows, or too many axes")
    # An axis of one place is stepped along never, so whatever stride it has says nothing.
    inner = sorted(range(1, len(name.shape)), key=lambda axis: -name.strides[axis])
    step = 1
    for axis in [*(axis for axis in inner[::-1] if name.shape[axis] > 1), 0]:
        if name.shape[axis] > 1 and name.strides[axis] != step:
            raise ValueError("a tensor's numbers do not lie row after row; save it contiguous")
        step *= name.shape[axis]
    return tuple(axis - 1 for axis in inner)
