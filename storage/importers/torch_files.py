"""Tensors in files that torch.save wrote, as rows to read; no torch, and nothing is executed."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.folders.foreign_files import opened
from storage.importers.stamps import Stamp, stamp_of
from storage.inert.dialect import TENSORS, Dialect
from storage.inert.saved import read_saved
from storage.inert.storages import COMPLEX, STORAGE_TYPES, Stored
from storage.inert.values import StorageName, TensorName

# Two tensors take 70 opcodes in 500 bytes.
_TENSORS = Dialect("tensor", TENSORS, 512, 64 * 1024, frozenset(STORAGE_TYPES) - {COMPLEX})


@dataclass(frozen=True)
class TensorRows:
    """A tensor in a file, of which only the rows that a caller needs are read."""

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int  # of its first byte
    axes: tuple[int, ...]  # of a row, as they are in the file, the outermost first
    stamp: Stamp

    def __len__(self) -> int:
        return self.shape[0]

    def rows(self, first: int, last: int) -> NDArray[Any]:
        """The rows of a half-open range; a ValueError if the file has changed since."""
        size = math.prod(self.shape[1:])
        with opened(self.path) as file:
            if stamp_of(self.path) != self.stamp:
                raise ValueError(f"{self.path} changed while it was read; import it again")
            file.seek(self.offset + first * size * self.dtype.itemsize)
            flat = np.frombuffer(file.read((last - first) * size * self.dtype.itemsize), self.dtype)
        lying = flat.reshape(last - first, *(self.shape[1 + axis] for axis in self.axes))
        return lying.transpose(0, *(1 + place for place in np.argsort(self.axes, kind="stable")))


def tensors_in(path: Path) -> tuple[TensorRows, ...]:
    """The tensor that a file holds, or the two of a list; a ValueError for anything else."""
    with opened(path) as file:
        value, storages = read_saved(file, _TENSORS)
    names = [value] if isinstance(value, TensorName) else value
    if not isinstance(names, list | tuple) or not 1 <= len(names) <= 2:
        raise ValueError("it must hold a tensor or a list of two")
    return tuple(_tensor(path, name, storages) for name in names)


def _tensor(path: Path, name: Any, storages: dict[str, Stored]) -> TensorRows:
    if not isinstance(name, TensorName) or not isinstance(name.storage, StorageName):
        raise ValueError("it must hold a tensor or a list of two")
    stored, dtype = storages[name.storage.key], STORAGE_TYPES[name.storage.kind]
    axes = _axes(name)
    if name.offset + math.prod(name.shape) > stored.name.num_values:
        raise ValueError("a tensor reaches beyond its numbers")
    offset = stored.place + name.offset * dtype.itemsize
    return TensorRows(path, dtype, name.shape, offset, axes, stamp_of(path))


def _axes(name: TensorName) -> tuple[int, ...]:
    """A row's axes as they are in the file; a ValueError unless rows follow one another.

    So every number is there once: strides that repeat or skip some are refused.
    """
    if not name.shape or 0 in name.shape:
        raise ValueError("a tensor lacks rows")
    # An axis of length one is never stepped along, so its stride means nothing.
    inner = sorted(range(1, len(name.shape)), key=lambda axis: -name.strides[axis])
    step = 1
    for axis in [*(axis for axis in inner[::-1] if name.shape[axis] > 1), 0]:
        if name.shape[axis] > 1 and name.strides[axis] != step:
            raise ValueError("a tensor's numbers aren't stored row after row; save it contiguous")
        step *= name.shape[axis]
    return tuple(axis - 1 for axis in inner)
