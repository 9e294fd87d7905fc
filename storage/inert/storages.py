"""The storages that tensors are views of: their types of numbers, and where these are in a file."""

from typing import Any, Final, NamedTuple

import numpy as np

from storage.inert.values import StorageName

BFLOAT16: Final = "torch BFloat16Storage"
COMPLEX: Final = "torch ComplexFloatStorage"
STORAGE_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "torch HalfStorage": np.dtype("<f2"),
    "torch FloatStorage": np.dtype("<f4"),
    "torch DoubleStorage": np.dtype("<f8"),
    BFLOAT16: np.dtype("<u2"),  # its bits
    "torch LongStorage": np.dtype("<i8"),
    "torch IntStorage": np.dtype("<i4"),
    "torch ShortStorage": np.dtype("<i2"),
    "torch CharStorage": np.dtype("i1"),
    "torch ByteStorage": np.dtype("u1"),
    "torch BoolStorage": np.dtype("?"),
    COMPLEX: np.dtype("<c8"),
}


class Stored(NamedTuple):
    """Where a storage's numbers are in the file; they are known to be inside it."""

    name: StorageName
    place: int
    crc: int | None = None  # of all of them, if the file has one


def num_bytes_of(storage: StorageName) -> int:
    """What a storage says that it takes."""
    return storage.num_values * STORAGE_TYPES[storage.kind].itemsize
