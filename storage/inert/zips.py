"""Members of a zip that a stranger made: every size and place is checked before a byte is read.

The layout is PKWARE's APPNOTE, sections 4.3.7, 4.3.12 and 4.3.14 to 4.3.16. Only what numpy and
torch write is read: one part, no encryption, no comment, stored or deflated.
"""

import struct
import zlib
from typing import Any, BinaryIO, NamedTuple

from storage.inert.stand_ins import require_file_itself

_MAX_MEMBERS = 64
_MAX_ENTRY = 1024  # bytes that the list of members spends on each; names of torch take 60
_STORED, _DEFLATED = 0, 8
_END = struct.Struct("<4s4H2LH")
_LOCATOR, _END_64 = struct.Struct("<4sLQL"), struct.Struct("<4sQ2H2L4Q")
_ENTRY, _LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_IN_EXTRA = 0xFFFFFFFF  # the number stands in the zip64 extra field
_ENCRYPTED = 1


class Member(NamedTuple):
    """Where a member's bytes are, and what they are."""

    name: str
    offset: int
    num_stored: int
    num_bytes: int
    is_deflated: bool
    crc: int


def members_of(file: BinaryIO, *, at_most: int = _MAX_MEMBERS) -> dict[str, Member]:
    """The members by name; a ValueError if anything is outside the file."""
    require_file_itself(file)
    place, num_bytes, num_members = _directory(file)
    if num_members > at_most or num_bytes > at_most * _MAX_ENTRY:
        raise ValueError(
            f"it lists {num_members:,} members in {num_bytes:,} bytes; at most {at_most:,} are read"
        )
    entries = _entries(_read_at(file, place, num_bytes), num_members)
    members = [_located(file, *entry, end=place) for entry in entries]
    if len({member.name for member in members}) != num_members:
        raise ValueError("two members have one name")
    return {member.name: member for member in members}


def read_member(file: BinaryIO, member: Member, *, at_most: int) -> bytes:
    """A member's bytes, unpacked; a ValueError if they aren't what it declares."""
    if max(member.num_bytes, member.num_stored) > at_most:
        raise ValueError(
            f"'{member.name}' declares {member.num_bytes:,} bytes; at most {at_most:,} are read"
        )
    data = _read_at(file, member.offset, member.num_stored)
    if member.is_deflated:
        data = _inflated(data, member)
    if len(data) != member.num_bytes or zlib.crc32(data) != member.crc:
        raise ValueError(f"'{member.name}' is damaged: its size or checksum is not as declared")
    return data


def _inflated(data: bytes, member: Member) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return unpacker.decompress(data, member.num_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"'{member.name}' cannot be unpacked: {error}") from error


def _directory(file: BinaryIO) -> tuple[int, int, int]:
    """Place, bytes and number of entries of the list of members at the file's end."""
    end = file.seek(0, 2) - _END.size
    mark, disk, first_disk, here, total, size, place, comment = _unpack(file, end, _END)
    if mark != b"PK\5\6" or comment or (disk, first_disk) != (0, 0) or here != total:
        raise ValueError(
            "it does not end as a zip of numpy or torch: it may be cut off; fetch the file again"
        )
    locator_at = end - _LOCATOR.size
    if locator_at >= 0:
        mark, _, place_64, _ = _unpack(file, locator_at, _LOCATOR)
        if mark == b"PK\6\7":
            mark, *_, here, total, size, place = _unpack(file, place_64, _END_64)
            if mark != b"PK\6\6" or here != total:
                raise ValueError("its zip64 record isn't where it should be")
    return place, size, total


def _entries(directory: bytes, num_members: int) -> list[tuple[int, Member]]:
    """Each entry's place of its local header, and what it declares."""
    entries, at = [], 0
    for _ in range(num_members):
        if at + _ENTRY.size > len(directory):
            raise ValueError("its list of members is cut off")
        fields = _ENTRY.unpack_from(directory, at)
        name_at = at + _ENTRY.size
        extra_at = name_at + fields[10]
        at = extra_at + fields[11] + fields[12]
        extra = directory[extra_at : extra_at + fields[11]]
        entries.append(_entry(fields, directory[name_at:extra_at], extra))
    if at != len(directory):
        raise ValueError("its list of members doesn't end where it says")
    return entries


def _entry(fields: tuple[Any, ...], name: bytes, extra: bytes) -> tuple[int, Member]:
    mark, flags, method, crc = fields[0], fields[3], fields[4], fields[7]
    if mark != b"PK\1\2" or flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
        raise ValueError("a member is encrypted, packed in an unusual way, or damaged")
    num_bytes, num_stored, place = _large([fields[9], fields[8], fields[16]], extra)
    if method == _STORED and num_bytes != num_stored:
        raise ValueError("a member that is not packed declares two sizes")
    text = name.decode("ascii", errors="strict") if name.isascii() else ""
    if not text or not text.isprintable():
        raise ValueError("a member's name isn't plain")
    return place, Member(text, 0, num_stored, num_bytes, method == _DEFLATED, crc)


def _large(numbers: list[int], extra: bytes) -> list[int]:
    """Sizes and place, those that do not fit 32 bits from the zip64 extra field (id 1), in order."""
    if _IN_EXTRA not in numbers:
        return numbers
    large: list[int] = []
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<2H", extra)
        if kind == 1:
            large = list(struct.unpack_from(f"<{min(size, len(extra) - 4) // 8}Q", extra, 4))
        extra = extra[4 + size :]
    if len(large) < numbers.count(_IN_EXTRA):
        raise ValueError("a member's zip64 sizes are missing")
    return [large.pop(0) if number == _IN_EXTRA else number for number in numbers]


def _located(file: BinaryIO, place: int, member: Member, *, end: int) -> Member:
    mark, *_, len_name, len_extra = _unpack(file, place, _LOCAL)
    offset = place + _LOCAL.size + len_name + len_extra
    if mark != b"PK\3\4" or _read_at(file, place + _LOCAL.size, len_name) != member.name.encode():
        raise ValueError(f"'{member.name}' isn't where the list of members says")
    if offset + member.num_stored > end:
        raise ValueError(f"'{member.name}' reaches beyond the file")
    return member._replace(offset=offset)


def _unpack(file: BinaryIO, place: int, fields: struct.Struct) -> tuple[Any, ...]:
    return fields.unpack(_read_at(file, place, fields.size))


def _read_at(file: BinaryIO, place: int, num_bytes: int) -> bytes:
    """Bytes of the file; callers cap `num_bytes`."""
    if place < 0 or place > file.seek(0, 2) - num_bytes:
        raise ValueError("it points outside itself: it is cut off or not a zip")
    file.seek(place)
    return file.read(num_bytes)
