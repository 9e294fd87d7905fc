"""Storages in the zip that torch.save writes since 1.6: NAME/data.pkl, and NAME/data/KEY for each.

The list of members is bounded before `zipfile` sees it, and numbers are read from where they lie.
"""

import struct
import zipfile
import zlib
from io import BufferedReader, BytesIO
from typing import Any

from pairgen.checkpoints.numbers import Stored, num_bytes_of
from pairgen.checkpoints.pickles import CHECKPOINT, described_in
from pairgen.checkpoints.values import StorageName

_MAX_MEMBERS = 16_384  # parameters, averages and an optimiser's two of a large network: 2,300
_MAX_DIRECTORY = 4 * 2**20
_MAX_PICKLE = 16 * 2**20
_END, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCAL = struct.Struct("<4s5H3L2H")
# OSError: of a list of members before the beginning.
_NOT_HERE = zipfile.BadZipFile, struct.error, NotImplementedError, OverflowError, OSError


def read_zip(file: BufferedReader) -> tuple[Any, dict[str, Stored]]:
    """The value that data.pkl describes, and where its storages lie."""
    _require_bounded(file)
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(file, archive)
    except _NOT_HERE as error:
        raise ValueError(f"it is no zip that torch.save has written: {error}") from error


def _read(file: BufferedReader, archive: zipfile.ZipFile) -> tuple[Any, dict[str, Stored]]:
    members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    if len(members) != len(archive.infolist()) or "data.pkl" not in members:
        raise ValueError(
            "it is a zip without one data.pkl; give a file that torch.save has written"
        )
    if "byteorder" in members and _whole(file, members["byteorder"], 16) != b"little":
        raise ValueError("its numbers are not little-endian; save it on another machine")
    pickle = BytesIO(_whole(file, members["data.pkl"], _MAX_PICKLE))
    described = described_in(pickle, CHECKPOINT)
    found = {
        key: _located(file, members.get(f"data/{key}"), storage)
        for key, storage in described.storages.items()
    }
    return described.value, found


def _whole(file: BufferedReader, info: zipfile.ZipInfo, at_most: int) -> bytes:
    if info.file_size > at_most:
        raise ValueError(f"'{info.filename[:80]}' has {info.file_size:,} bytes, not {at_most:,}")
    file.seek(_place(file, info))
    data = file.read(info.file_size)
    if zlib.crc32(data) != info.CRC:
        raise ValueError(f"'{info.filename[:80]}' is damaged: its checksum is another")
    return data


def _located(file: BufferedReader, info: zipfile.ZipInfo | None, storage: StorageName) -> Stored:
    if info is None:
        raise ValueError(f"it does not hold the numbers of storage '{storage.key}'")
    if info.file_size != num_bytes_of(storage):
        raise ValueError(
            f"storage '{storage.key}' declares {num_bytes_of(storage):,} bytes and has "
            f"{info.file_size:,}"
        )
    return Stored(storage, _place(file, info), info.CRC)


def _place(file: BufferedReader, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin; a ValueError unless they lie in the file as they are."""
    _require_plain(info)
    mark, *_, len_name, len_extra = _unpacked(file, info.header_offset, _LOCAL)
    place: int = info.header_offset + _LOCAL.size + len_name + len_extra
    if mark != b"PK\3\4" or place + info.file_size > file.seek(0, 2):
        raise ValueError(f"'{info.filename[:80]}' does not lie inside the file")
    return place


def _require_plain(info: zipfile.ZipInfo) -> None:
    is_plain = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1
    if not is_plain or info.file_size != info.compress_size:
        raise ValueError(f"'{info.filename[:80]}' is packed or encrypted; torch.save does neither")


def _require_bounded(file: BufferedReader) -> None:
    """A list of members of a plausible length at the end of the file, where torch puts it."""
    end = file.seek(0, 2) - _END.size
    mark, *_, total, size, _place, comment = _unpacked(file, end, _END)
    if mark != b"PK\5\6" or comment:
        raise ValueError("it does not end as a zip that torch.save has written: it is cut off")
    if end >= _LOCATOR.size + _END_64.size:
        mark, *_ = _unpacked(file, end - _LOCATOR.size, _LOCATOR)
        if mark == b"PK\6\7":
            *_, total, size, _place = _unpacked(file, end - _LOCATOR.size - _END_64.size, _END_64)
    if total > _MAX_MEMBERS or size > min(_MAX_DIRECTORY, end):
        raise ValueError(
            f"it lists {total:,} members in {size:,} bytes; at most {_MAX_MEMBERS:,} in "
            f"{_MAX_DIRECTORY:,} are read"
        )


def _unpacked(file: BufferedReader, place: int, fields: struct.Struct) -> tuple[Any, ...]:
    if place < 0 or place > file.seek(0, 2) - fields.size:
        raise ValueError("it points outside itself: it is cut off")
    file.seek(place)
    return fields.unpack(file.read(fields.size))
