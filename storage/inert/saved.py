"""What torch.save writes: since 1.6 a zip of NAME/data.pkl and NAME/data/KEY, before that a stream."""

from io import BytesIO
from typing import Any

from storage.inert.dialect import Dialect
from storage.inert.pickles import described_in
from storage.inert.stand_ins import require_file_itself
from storage.inert.storages import Stored, num_bytes_of
from storage.inert.streams import MARK, read_stream
from storage.inert.values import Source, StorageName
from storage.inert.zips import Member, members_of, read_member

_ZIP = b"PK\3\4"
_MAX_MEMBERS = 16_384  # parameters, averages and an optimiser's two of a large network: 2,300
_PICKLE, _ORDER, _NUMBERS = "data.pkl", "byteorder", "data/"
# The rest of what torch writes; none of it is needed.
_BESIDE = ("version", ".format_version", ".storage_alignment", ".data/serialization_id")


def is_saved(head: bytes) -> bool:
    """Whether a file that begins so may be one of torch.save."""
    return head.startswith((_ZIP, MARK))


def read_saved(file: Source, dialect: Dialect) -> tuple[Any, dict[str, Stored]]:
    """The value of its pickle, and where its storages are; a ValueError if it isn't one."""
    require_file_itself(file)
    head = file.read(len(MARK))
    if not is_saved(head):
        raise ValueError("it is not a file that torch.save has written")
    return read_stream(file, dialect) if head == MARK else _read_zip(file, dialect)


def _read_zip(file: Source, dialect: Dialect) -> tuple[Any, dict[str, Stored]]:
    members = _members(file)
    if _ORDER in members and read_member(file, members[_ORDER], at_most=16) != b"little":
        raise ValueError("its numbers are not little-endian; save it on another machine")
    pickle = BytesIO(read_member(file, members[_PICKLE], at_most=dialect.max_bytes))
    described = described_in(pickle, dialect)
    found = {
        key: _located(members.get(f"{_NUMBERS}{key}"), storage)
        for key, storage in described.storages.items()
    }
    return described.value, found


def _members(file: Source) -> dict[str, Member]:
    members = members_of(file, at_most=_MAX_MEMBERS)
    top = min(members, default="").partition("/")[0]
    own = {name.removeprefix(f"{top}/"): member for name, member in members.items()}
    strange = [name for name in own if not _is_known(name)]
    if strange:
        raise ValueError(f"it holds '{min(strange)[:80]}', which torch.save does not write")
    if _PICKLE not in own:
        raise ValueError(f"it is a zip without {_PICKLE}; give a file that torch.save has written")
    return own


def _is_known(name: str) -> bool:
    is_numbers = name.startswith(_NUMBERS) and name.removeprefix(_NUMBERS).isdecimal()
    return is_numbers or name in (_PICKLE, _ORDER, *_BESIDE)


def _located(member: Member | None, storage: StorageName) -> Stored:
    if member is None:
        raise ValueError(f"it does not hold the numbers of storage '{storage.key}'")
    if member.is_deflated:
        raise ValueError(f"'{member.name}' is packed; torch.save does not pack")
    if member.num_bytes != num_bytes_of(storage):
        raise ValueError(
            f"storage '{storage.key}' declares {num_bytes_of(storage):,} bytes and has "
            f"{member.num_bytes:,}"
        )
    return Stored(storage, member.offset, member.crc)
