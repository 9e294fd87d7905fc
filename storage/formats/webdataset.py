"""Shards as WebDataset tars: packed records of 256 samples as .npy members (docs/store.md).

A tar is fully determined by its columns, so reading compares: every header, tar's and npy's, must
have exactly the bytes that belong before so many rows of that field. What compares equal needs no
parser, and anything else tar can express (links, devices, paths, other encodings) is never equal.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.digest import sha256_of, short
from storage.formats.column import Buffer, Column, gather
from storage.formats.pair_format import require_indices, require_size
from storage.formats.shard_file import EncodedShard, ShardFile
from storage.plugins import Plugin
from storage.records import Columns, PairSchema, RowType

SAMPLES_A_RECORD = 256
_BLOCK = 512
_TAIL = 10_240  # a tar ends on a multiple of twenty blocks (POSIX), the last two of them empty
_NAME = re.compile(r"([0-9]{6,18})-[0-9a-f]{12}\.tar")
_SIZE_FIELD = slice(124, 135)
_DIGITS_TO_GROW = 21  # what numpy leaves free in a header, for the first axis to grow in place


class WebDatasetFormat(Plugin):
    """Tars that plain `webdataset` reads; fixed owner, mode and time, so equal columns, equal bytes."""

    plugin: ClassVar[str] = "wds"

    def encode(
        self, shard: int, columns: Columns, schema: PairSchema, shard_size: int
    ) -> EncodedShard:
        """`NNNNNN-FILEDIGEST.tar`: two different byte strings never share a name."""
        require_size(schema, shard_size)
        data = _tar(columns, schema)
        digest = sha256_of(data)
        file = ShardFile(_file_name(shard, digest), digest, len(data))
        return EncodedShard(file, {file.name: data})

    def require_names(self, shard: int, file: ShardFile, schema: PairSchema) -> None:
        """One file, named by its shard and its digest."""
        expected = _file_name(shard, file.file_digest)
        if file.name != expected:
            raise ValueError(f"the file of shard {shard} is '{expected}' (got {file.name[:80]!r})")
        if file.parts:
            raise ValueError(f"the file of shard {shard} is '{expected}' alone; it lists others")

    def max_bytes(self, schema: PairSchema, shard_size: int) -> int:
        """A tar in which no row was dropped."""
        require_size(schema, shard_size)
        members = (
            _Member(record, name, row, min(SAMPLES_A_RECORD, shard_size)).num_bytes
            for record in range(-(-shard_size // SAMPLES_A_RECORD))
            for name, row in schema.row_types.items()
        )
        return _end(sum(members))

    def locate(
        self, shard: int, parts: Mapping[str, Buffer], schema: PairSchema, shard_size: int
    ) -> dict[str, Column]:
        """The rows of each field, one record after the other."""
        if [self.shard_of(name) for name in parts] != [shard]:
            raise ValueError(f"shard {shard} is one file of that number")
        [(part, data)] = parts.items()
        view = memoryview(data)
        starts, counts = _records(view, schema, shard_size)
        columns = {
            name: Column(part, row.dtype, row.shape, _offsets(starts[name], counts, row.num_bytes))
            for name, row in schema.row_types.items()
        }
        require_indices(gather(columns["index"], data), shard, shard_size)
        return columns

    def shard_of(self, name: str) -> int | None:
        """`000012-….tar` is of shard 12."""
        match = _NAME.fullmatch(name)
        return int(match[1]) if match and match[1] == f"{int(match[1]):06d}" else None

    def metadata(self, num_shards: int, schema: PairSchema, shard_size: int) -> dict[str, bytes]:
        """None: each tar speaks for itself."""
        return {}


class _Member(NamedTuple):
    """The rows of one field in one record."""

    record: int
    field: str
    row: RowType
    num_rows: int

    @property
    def name(self) -> str:
        """As plain readers group it: by record, then by field."""
        return f"{self.record:08d}.{self.field}.npy"

    @property
    def head(self) -> bytes:
        """All bytes before the first row."""
        header = _npy_header(self.row, self.num_rows)
        return _tar_header(self.name, len(header) + self.num_rows * self.row.num_bytes) + header

    @property
    def num_bytes(self) -> int:
        """Bytes with its head and up to the next member."""
        used = _BLOCK + len(_npy_header(self.row, self.num_rows))
        used += self.num_rows * self.row.num_bytes
        return used + -used % _BLOCK


def _file_name(shard: int, digest: str) -> str:
    return f"{shard:06d}-{short(digest)}.tar"


def _tar(columns: Columns, schema: PairSchema) -> bytes:
    pieces: list[bytes | memoryview] = []
    for first in range(0, len(columns["index"]), SAMPLES_A_RECORD):
        for name, row in schema.row_types.items():
            rows = columns[name][first : first + SAMPLES_A_RECORD]
            rows = np.ascontiguousarray(rows.astype(row.dtype, casting="equiv", copy=False))
            head = _Member(first // SAMPLES_A_RECORD, name, row, len(rows)).head
            pieces += [head, rows.data, bytes(-(len(head) + rows.nbytes) % _BLOCK)]
    length = sum(memoryview(piece).nbytes for piece in pieces)
    return b"".join([*pieces, bytes(_end(length) - length)])


def _records(
    view: memoryview, schema: PairSchema, shard_size: int
) -> tuple[dict[str, list[int]], list[int]]:
    """Where each field's rows begin in each record, and each record's number of rows."""
    starts: dict[str, list[int]] = {name: [] for name in schema.row_types}
    counts: list[int] = []
    place = 0
    while any(view[place : place + 1]):  # a name begins here, the tail with a zero
        counts.append(_num_rows(view, place, schema.row_types["index"]))
        for name, row in schema.row_types.items():
            member = _Member(len(counts) - 1, name, row, counts[-1])
            starts[name].append(_start(view, place, member))
            place += member.num_bytes
        if sum(counts) > shard_size or set(counts[:-1]) - {SAMPLES_A_RECORD}:
            raise ValueError(f"its records have {counts} rows; all but the last have 256")
    _require_zeros(view, place, _end(place))
    if len(view) != _end(place):
        raise ValueError(f"has {len(view):,} bytes, its records end at {_end(place):,}")
    return starts, counts


def _num_rows(view: memoryview, place: int, row: RowType) -> int:
    """Rows in the record that begins here, by the size of its first member."""
    digits = bytes(view[place : place + _BLOCK][_SIZE_FIELD])
    size = int(digits, 8) if re.fullmatch(rb"[0-7]{11}", digits) else 0
    num_rows, rest = divmod(size - len(_npy_header(row, 1)), row.num_bytes)
    if rest or not 1 <= num_rows <= SAMPLES_A_RECORD:
        raise ValueError(
            f"at byte {place:,} stands {_found(view, place)}, where the index of a record of "
            f"1 to {SAMPLES_A_RECORD} samples belongs, or the end"
        )
    return num_rows


def _start(view: memoryview, place: int, member: _Member) -> int:
    """Where a member's rows begin, once everything around them is verified."""
    head = member.head
    start, end = place + len(head), place + member.num_bytes
    if bytes(view[place:start]) != head:
        raise ValueError(
            f"at byte {place:,} stands {_found(view, place)}, where the headers of a regular file "
            f"'{member.name}' with {member.row.dtype} [{member.num_rows}, …] belong"
        )
    if end > len(view):
        raise ValueError(f"ends at byte {len(view):,} within '{member.name}'")
    _require_zeros(view, start + member.num_rows * member.row.num_bytes, end)
    return start


def _found(view: memoryview, place: int) -> str:
    header = bytes(view[place : place + _BLOCK])
    name, kind = header[:100].split(b"\0")[0], header[156:157]
    return f"{name[:40].decode('ascii', 'backslashreplace')!r} of type {kind!r}"


def _require_zeros(view: memoryview, start: int, end: int) -> None:
    if bytes(view[start:end]) != bytes(end - start):
        raise ValueError(f"does not hold zeros from byte {start:,} to {end:,}, or ends there")


def _offsets(starts: list[int], counts: list[int], row_bytes: int) -> NDArray[np.int64]:
    if not starts:
        return np.empty(0, np.int64)
    pairs = zip(starts, counts, strict=True)
    return np.concatenate([start + row_bytes * np.arange(count) for start, count in pairs])


def _end(length: int) -> int:
    """Where a tar ends whose members take `length` bytes."""
    used = length + 2 * _BLOCK
    return used + -used % _TAIL


@lru_cache(maxsize=1024)
def _npy_header(row: RowType, num_rows: int) -> bytes:
    """Version 1.0 of the npy format, written here so that no numpy to come changes a shard's bytes."""
    shape = (num_rows, *row.shape)
    text = f"{{'descr': {row.dtype.str!r}, 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (_DIGITS_TO_GROW - len(str(num_rows)))
    # Magic, version and length take ten bytes and the newline one; rows begin at a multiple of 64.
    text += " " * (64 - (10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("ascii")


def _tar_header(name: str, size: int) -> bytes:
    """A regular file in ustar: mode 0644, owner 0, time 0."""
    front = name.encode("ascii").ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
    front += b"%011o\0%011o\0" % (size, 0)
    # Type, link's name, magic and version; owner's names, device numbers and prefix are empty.
    back = b"0" + bytes(100) + b"ustar\x0000" + bytes(247)
    checksum = sum(front) + sum(back) + 8 * ord(" ")  # the field itself counts as blanks
    return front + b"%06o\0 " % checksum + back
