"""Storages in the form that torch.save wrote before 1.6, in which pickle keeps them to this day.

Five pickles after each other (a magic number, the version, the machine, the value, the storages'
keys), then the numbers: of each storage how many, in eight bytes, and they themselves.
"""

from io import BytesIO
from typing import Any, Final, NamedTuple

from storage.inert.dialect import Dialect
from storage.inert.pickles import Described, described_in
from storage.inert.storages import STORAGE_TYPES, Stored, num_bytes_of
from storage.inert.values import Blob, Source, StorageName

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
MARK: Final = b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little")  # the magic number's own pickle
_MAX_TEXT = 96 * 2**20  # bytes; the largest tensor of a released network takes 63 MB as text
_MAX_HEAD = 4096  # bytes before the numbers of one storage; they take about 400
# None of the five pickles before a storage's numbers has more than 25 opcodes.
_STORAGE = Dialect("storage", {}, 64, _MAX_HEAD, frozenset(STORAGE_TYPES))


class _Numbers(NamedTuple):
    """Where numbers begin and must end, and the keys of the storages that they belong to."""

    place: int
    end: int
    keys: list[str]


def decoded(file: Source, blob: Blob) -> tuple[Source, Blob]:
    """Where a nested stream's bytes are: protocol 2 has no bytes and writes each as a letter."""
    if not blob.is_text:
        return file, blob
    if blob.num_bytes > _MAX_TEXT:
        raise ValueError(
            f"a nested stream has {blob.num_bytes:,} bytes of text; save it by protocol 4"
        )
    file.seek(blob.place)
    try:
        data = file.read(blob.num_bytes).decode().encode("latin1")
    except UnicodeError as error:
        raise ValueError("a nested stream is text that doesn't encode bytes") from error
    return BytesIO(data), Blob(0, len(data))


def nested_storage(file: Source, blob: Blob) -> Stored:
    """Where the one storage of a nested stream is; the stream's pickles may hold nothing else."""
    file.seek(blob.place)
    head = BytesIO(file.read(min(blob.num_bytes, _MAX_HEAD)))
    described, keys = _pickles(head, _STORAGE)
    if not isinstance(described.value, StorageName):
        raise ValueError("a nested stream holds something that isn't a storage")
    numbers = _Numbers(blob.place + head.tell(), blob.place + blob.num_bytes, keys)
    return _storages_after(file, described.storages, numbers)[described.value.key]


def read_stream(file: Source, dialect: Dialect) -> tuple[Any, dict[str, Stored]]:
    """The value that a whole file of this form describes, and where its storages are."""
    file.seek(0)
    described, keys = _pickles(file, dialect)
    place = file.tell()
    numbers = _Numbers(place, file.seek(0, 2), keys)
    return described.value, _storages_after(file, described.storages, numbers)


def _storages_after(
    file: Source, named: dict[str, StorageName], numbers: _Numbers
) -> dict[str, Stored]:
    """Where each storage is; a ValueError unless they fill the place between begin and end."""
    place, found = numbers.place, {}
    for key in numbers.keys:
        file.seek(place)
        count = int.from_bytes(file.read(8), "little")
        if key not in named or key in found or count != named[key].num_values:
            raise ValueError(f"storage '{key[:40]}' does not hold as many numbers as declared")
        found[key] = Stored(named[key], place + 8)
        place += 8 + num_bytes_of(named[key])
    if place != numbers.end or found.keys() != named.keys():
        raise ValueError(
            "its numbers are cut off, or are more or others than it declares; fetch the file again"
        )
    return found


def _pickles(file: Source, dialect: Dialect) -> tuple[Described, list[str]]:
    magic, version, machine = (described_in(file, _STORAGE).value for _ in range(3))
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("it does not begin as a stream of torch.save")
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise ValueError("its numbers are not little-endian; save it on another machine")
    described = described_in(file, dialect)
    keys = described_in(file, dialect).value
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("it does not list its storages")
    return described, keys
