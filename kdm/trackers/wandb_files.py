"""Which steps W&B's offline files hold: a log as LevelDB writes it, of protobuf messages.

Seven bytes of header, then blocks of 32 KiB. A record is cut into pieces that don't cross a block, each with
its CRC-32 (4 bytes), length (2) and kind (1: whole, 2: first, 3: middle, 4: last), little-endian.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HEADER, _BLOCK = 7, 32768
_PIECE = struct.Struct("<IHB")
_WHOLE, _FIRST, _LAST = 1, 2, 4
_STEP = "_step"


def is_begun(file: Path) -> bool:
    """Whether a .wandb file holds anything besides its header."""
    return file.stat().st_size > _HEADER


def steps_of(file: Path) -> list[int]:
    """The steps of the history in one .wandb file, in order, up to the first piece that was cut."""
    # Of protobuf's making, which mypy can't see.
    from wandb.proto.wandb_internal_pb2 import Record

    message: Any = Record
    records = (message.FromString(each) for each in _records(file.read_bytes()))
    return [
        int(item.value_json)
        for record in records
        if record.WhichOneof("record_type") == "history"
        for item in record.history.item
        if _STEP in (item.key, *item.nested_key)
    ]


def _records(data: bytes) -> Iterator[bytes]:
    record = b""
    for kind, piece in _pieces(data):
        record = piece if kind in (_WHOLE, _FIRST) else record + piece
        if kind in (_WHOLE, _LAST):
            yield record


def _pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kinds and contents, up to the first that is cut or damaged."""
    place = _HEADER
    while place + _PIECE.size <= len(data):
        left = _BLOCK - place % _BLOCK
        if left < _PIECE.size:  # the rest of a block is empty
            place += left
            continue
        crc, length, kind = _PIECE.unpack_from(data, place)
        piece = data[place + _PIECE.size : place + _PIECE.size + length]
        if len(piece) < length or zlib.crc32(bytes([kind]) + piece) != crc:
            return
        yield kind, piece
        place += _PIECE.size + length
