"""The inert values that stand for what a pickle would build."""

import math
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from typing import Any, NamedTuple

Source = BufferedReader | BytesIO  # what numbers are read from

_LARGEST = 2**48  # of a size, a stride or an offset
_MAX_AXES = 8


class Global(NamedTuple):
    """A name that a pickle would import: something to compare, nothing to call."""

    name: str


class Blob(NamedTuple):
    """Long bytes or long text, left in the file."""

    place: int
    num_bytes: int
    is_text: bool = False


class StorageName(NamedTuple):
    """The numbers that tensors are views of, by their key."""

    key: str
    kind: str
    num_values: int


class TensorName(NamedTuple):
    """A tensor as a pickle describes it; nothing of it is checked against its numbers yet."""

    storage: StorageName | Blob
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class NumberType(NamedTuple):
    """A numpy type, such as f8."""

    code: str


@dataclass(eq=False)
class Made:
    """What a class or function would have made, with the state that would have been set on it."""

    of: str
    arguments: tuple[Any, ...]
    state: Any = None


def tensor_name(storage: StorageName | Blob, offset: Any, shape: Any, strides: Any) -> TensorName:
    """A tensor of plausible numbers; a ValueError if one is negative, vast or not a number."""
    if not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise ValueError("it gives a tensor no shape")
    if len(shape) != len(strides) or len(shape) > _MAX_AXES:
        raise ValueError(f"it gives a tensor {len(shape)} axes and {len(strides)} strides")
    sides, steps = tuple(map(_number, shape)), tuple(map(_number, strides))
    return TensorName(storage, _number(offset), sides, steps)


def contiguous(storage: StorageName, shape: Any) -> TensorName:
    """The tensor of this shape whose values lie one after the other, from the storage's first on."""
    sides = tensor_name(storage, 0, shape, shape).shape
    steps = tuple(math.prod(sides[axis + 1 :]) for axis in range(len(sides)))
    return tensor_name(storage, 0, sides, steps)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError("it gives a tensor an impossible size, stride or offset")
    return value
