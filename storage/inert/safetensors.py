"""Tensors in a .safetensors that a stranger made: every name, type and place is checked before use.

Eight bytes say how long a JSON header is; it gives each tensor's type, shape and place in the numbers
that follow and that all of them fill (github.com/huggingface/safetensors, 'Format').
"""

import json
import math
from typing import Any, Final

from storage.inert.storages import Stored, num_bytes_of
from storage.inert.values import Source, StorageName, TensorName, contiguous

_BEFORE_HEADER = 8
_MAX_HEADER = 4 * 2**20  # bytes; 1,000 tensors take 100,000
_METADATA = "__metadata__"
_KINDS: Final = {
    "F16": "torch HalfStorage",
    "F32": "torch FloatStorage",
    "F64": "torch DoubleStorage",
    "BF16": "torch BFloat16Storage",
    "I64": "torch LongStorage",
    "I32": "torch IntStorage",
    "I16": "torch ShortStorage",
    "I8": "torch CharStorage",
    "U8": "torch ByteStorage",
    "BOOL": "torch BoolStorage",
}


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins so may be one: a length below 2^48, then an object of JSON."""
    return head[6 : _BEFORE_HEADER + 1] == b"\0\0{"


def read_safetensors(file: Source) -> tuple[dict[str, TensorName], dict[str, Stored]]:
    """The tensors by name, and where their numbers are; a ValueError if anything doesn't fit."""
    header, place = _header(file)
    tensors, storages = {}, {}
    for name, said in header.items():
        tensors[name], stored = _tensor(name, said)
        storages[name] = stored._replace(place=place + stored.place)
    _require_filled(list(storages.values()), place, file.seek(0, 2))
    return tensors, storages


def _header(file: Source) -> tuple[dict[str, Any], int]:
    """What the header states of each tensor, and where the numbers begin."""
    file.seek(0)
    num_bytes = int.from_bytes(file.read(_BEFORE_HEADER), "little")
    if num_bytes > _MAX_HEADER:
        raise ValueError(f"its header has {num_bytes:,} bytes; at most {_MAX_HEADER:,} are read")
    try:
        header = json.loads(file.read(num_bytes), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            "its header is cut off, or isn't JSON with each name once; fetch the file again"
        ) from error
    if type(header) is not dict:
        raise ValueError("its header names no tensors")
    header.pop(_METADATA, None)
    return header, _BEFORE_HEADER + num_bytes


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("two entries have one name")
    return found


def _tensor(name: str, said: Any) -> tuple[TensorName, Stored]:
    """The tensor, and where its numbers are after the header."""
    match said:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
            storage = StorageName(name, _kind(name, kind), 0)
        case _:
            raise ValueError(f"'{name[:80]}' lacks type, shape or place")
    tensor = contiguous(storage, tuple(shape))
    storage = storage._replace(num_values=math.prod(tensor.shape))
    if begin < 0 or end - begin != num_bytes_of(storage):
        raise ValueError(f"'{name[:80]}' takes {num_bytes_of(storage):,} bytes, its place others")
    return tensor._replace(storage=storage), Stored(storage, begin)


def _kind(name: str, kind: str) -> str:
    if kind not in _KINDS:
        raise ValueError(f"'{name[:80]}' is of type {kind[:20]}; {', '.join(_KINDS)} are read")
    return _KINDS[kind]


def _require_filled(storages: list[Stored], place: int, end: int) -> None:
    """A ValueError unless the numbers follow one another, from `place` to the file's end."""
    for stored in sorted(storages, key=lambda stored: stored.place):
        if stored.place != place:
            raise ValueError(f"'{stored.name.key[:80]}' lies over another tensor or after a gap")
        place += num_bytes_of(stored.name)
    if place != end:
        raise ValueError(
            "its numbers are cut off, or are more than its header names; fetch the file again"
        )
