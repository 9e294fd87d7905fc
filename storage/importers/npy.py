"""Arrays in the bytes of a .npy that a stranger made: the header is matched, never evaluated.

Format 1.0 and 2.0 of numpy.lib.format; its header is a Python literal, which numpy always writes in
the one form matched here.
"""

import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.folders.foreign_files import opened
from storage.importers.stamps import stamp_of
from storage.importers.torch_files import TensorRows
from storage.inert.stand_ins import require_itself

_HEADER = re.compile(
    rb"\{'descr': '([<>|][fiub][1248])', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,10}(?:, \d{1,10}){0,7},?)?)\), \} *\n"
)
_MAX_HEADER = 1024
_BEFORE_HEADER = {b"\x93NUMPY\x01\x00": 10, b"\x93NUMPY\x02\x00": 12}


class _Header(NamedTuple):
    dtype: np.dtype[Any]
    is_fortran: bool
    shape: tuple[int, ...]


def array_in(data: bytes) -> NDArray[Any]:
    """The array, without copying; a ValueError if its header does not fit its bytes exactly."""
    header, offset = _header(data[:_MAX_HEADER], len(data))
    flat = np.frombuffer(data, header.dtype, offset=offset)
    return flat.reshape(header.shape, order="F" if header.is_fortran else "C")


def array_rows(path: Path) -> TensorRows:
    """The array of a file as rows to read, none of them read yet; a ValueError as in `array_in`."""
    stamp = stamp_of(path)
    with opened(path) as file:
        header, offset = _header(file.read(_MAX_HEADER), stamp.num_bytes)
    if not header.shape or 0 in header.shape or (header.is_fortran and len(header.shape) > 1):
        raise ValueError(
            "its numbers aren't stored row after row, or it lacks rows; save it with "
            "np.save(file, np.ascontiguousarray(array))"
        )
    axes = tuple(range(len(header.shape) - 1))
    return TensorRows(path, header.dtype, header.shape, offset, axes, stamp)


def _header(start: bytes, num_bytes: int) -> tuple[_Header, int]:
    """The header in a file's first bytes, and where its numbers begin."""
    require_itself(start)
    before = _BEFORE_HEADER.get(start[:8], 0)
    end = before + int.from_bytes(start[8:before], "little")
    if not before or end > len(start):
        raise ValueError("it is not a .npy of format 1.0 or 2.0 with a plain header")
    header = _parsed(start[before:end])
    wanted = math.prod(header.shape) * header.dtype.itemsize
    if wanted != num_bytes - end:
        raise ValueError(
            f"its header declares {wanted:,} bytes of numbers, there are {num_bytes - end:,}"
        )
    return header, end


@lru_cache(maxsize=64)  # of a million files nearly all have the same one
def _parsed(header: bytes) -> _Header:
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ValueError("its header is not that of a plain array of numbers")
    descr, fortran, shape = (part.decode() for part in match.groups())
    sides = tuple(int(side) for side in re.findall(r"\d+", shape))
    return _Header(_dtype(descr), fortran == "True", sides)


def _dtype(descr: str) -> np.dtype[Any]:
    try:
        return np.dtype(descr)
    except TypeError as error:  # 'f1', 'b2' and their like
        raise ValueError(f"{descr} is not a type of numbers") from error
