"""What is wrong with one file of a set."""

from typing import Literal, NamedTuple

Kind = Literal[
    "missing",  # a record, manifest or mask rests on it
    "damaged",  # its bytes are not those that were written
    "swapped",  # it holds another file's bytes
    "duplicate",  # another file or record already covers the same indices
    "unrecorded",  # a shard's file that no record names
    "extra",  # a document about a shard that isn't there
    "foreign",  # no set contains a file with this name
]


class Fault(NamedTuple):
    """One file, and a sentence that says what is wrong with it and what to do."""

    kind: Kind
    shard: int | None  # None if the file isn't about one shard
    file: str  # below the set's folder
    sentence: str


def words_of(error: Exception, where: str) -> str:
    """What an error says about the file at `where`, without repeating its name."""
    said = str(error)
    if said.startswith(f"{where} "):
        return said.removeprefix(f"{where} ")
    return f"cannot be used: {said.removeprefix(f'{where}: ')}"
