"""The unit of work: a group of one split's shards, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class Written(NamedTuple):
    """A shard that this process has made."""

    shard: int
    content: str  # digest
    invalid: dict[str, list[int]]
    num_evaluations: int
    was_there: bool  # another process had written it meanwhile


class Unit(NamedTuple):
    """Shards of a split, to be made by one worker."""

    split: str
    shards: Sequence[int]


@dataclass(frozen=True)
class MadeUnit:
    """A unit that has ended. Shards that others hold, or that were there by then, aren't among `written`."""

    split: str
    written: tuple[Written, ...]
    wall_seconds: float
    cpu_seconds: float
    machine: str  # of its worker

    def document(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"written": [each._asdict() for each in self.written]}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "MadeUnit":
        """The unit of a document."""
        written = tuple(Written(**each) for each in document["written"])
        return cls(**{**document, "written": written})
