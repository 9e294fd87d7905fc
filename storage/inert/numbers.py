"""A tensor's numbers, read in place once its geometry fits inside its storage."""

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from storage.inert.storages import BFLOAT16, STORAGE_TYPES, Stored
from storage.inert.values import Source, TensorName


@dataclass
class Budget:
    """How many bytes of numbers may still be read: tensors that share them could ask for any number."""

    left: int

    def spend(self, num_bytes: int) -> None:
        """A ValueError once more bytes are requested than are left."""
        self.left -= num_bytes
        if self.left < 0:
            raise ValueError("its tensors take more bytes than the file holds, or more than 4 GiB")


def read_array(file: Source, tensor: TensorName, stored: Stored, budget: Budget) -> NDArray[Any]:
    """The tensor, contiguous; a ValueError unless its storage holds each of its values once."""
    dtype = STORAGE_TYPES[stored.name.kind]
    num_values = _span(tensor)
    if tensor.offset + num_values > stored.name.num_values:
        raise ValueError(
            f"a tensor reaches to value {tensor.offset + num_values:,} of a storage of "
            f"{stored.name.num_values:,}"
        )
    budget.spend(num_values * dtype.itemsize)
    flat = np.empty(num_values, dtype)
    file.seek(stored.place + tensor.offset * dtype.itemsize)
    if file.readinto(flat.data) != flat.nbytes:
        raise ValueError("it is cut off in a tensor's numbers")
    if stored.crc is not None and num_values == stored.name.num_values:
        _require_crc(flat, stored)
    return _widened(_shaped(flat, tensor), stored.name.kind)


def _span(tensor: TensorName) -> int:
    """How many values of the storage a tensor reaches over; a ValueError if it meets one twice."""
    if 0 in tensor.shape:
        return 0
    span = 1
    for step, side in sorted(zip(tensor.strides, tensor.shape, strict=True)):
        if side > 1 and step < span:
            raise ValueError("a tensor's strides lay values over each other; save it contiguous")
        span += (side - 1) * step
    return span


def _shaped(flat: NDArray[Any], tensor: TensorName) -> NDArray[Any]:
    if math.prod(tensor.shape) == 0:
        return np.empty(tensor.shape, flat.dtype)
    strides = [step * flat.itemsize for step in tensor.strides]
    # An axis of length one is never stepped along, so its stride means nothing.
    strides = [step if side > 1 else 0 for step, side in zip(strides, tensor.shape, strict=True)]
    return np.ascontiguousarray(as_strided(flat, tensor.shape, strides)).reshape(tensor.shape)


def _widened(array: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind != BFLOAT16:
        return array
    return (array.astype(np.uint32) << 16).view(np.float32)


def _require_crc(flat: NDArray[Any], stored: Stored) -> None:
    if zlib.crc32(flat.data) != stored.crc:
        raise ValueError(f"storage '{stored.name.key}' is damaged: its checksum is another")
