"""What is written down about one shard: which indices it holds, under which digests, and who made it."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from storage.digest import seal
from storage.formats.layout import parse_layout
from storage.formats.shard_file import MAX_SHARD_BYTES, ShardFile
from storage.options import LastingOptions, Options

VERSION = 1
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class PurgeNote(Options):
    """That a shard lost rows to a filter's decision; index and reason of each are below `purges/`."""

    number: int = Field(ge=1)
    decision: Digest
    num_rows: int = Field(ge=1)
    content: Digest | None  # that it had before; None if this layout was written later


class Record(LastingOptions):
    """One shard: its indices, what was kept, what was dropped and why, and who made it."""

    model_config = ConfigDict(strict=True)
    added_later: ClassVar[Mapping[str, Any]] = {"parts": {}, "nfe": 0.0, "purges": []}

    version: int = VERSION
    shard: int = Field(ge=0, lt=2**40)
    split: str
    layout: str
    spec_digest: Digest
    content_digest: Digest
    file: str
    file_digest: Digest
    num_bytes: int = Field(ge=0, le=2 * MAX_SHARD_BYTES)
    parts: dict[str, Digest] = {}  # sha256 by file, if the layout gives a shard several
    first_index: int
    last_index: int
    attempted: int
    kept: int
    dropped: dict[str, list[int]]  # indices by reason
    # Evaluations of the teacher's network that a sample took, on average over all that were attempted:
    # exact, as each was counted. 0: not known, as of imported pairs.
    nfe: float = Field(0.0, ge=0, le=2**40)
    environment: dict[str, Any]
    purges: list[PurgeNote] = []  # what was removed since it was made; the indices are in `dropped`

    @model_validator(mode="after")
    def _check(self) -> Self:
        shard_size = parse_layout(self.layout).shard_size
        first, last = self.first_index, self.last_index
        if first != self.shard * shard_size or not first <= last < first + shard_size:
            raise ValueError(f"indices {first} to {last} are not those of shard {self.shard}")
        if self.attempted != last - first + 1:
            raise ValueError(f"attempted is {self.attempted}; {first} to {last} are others")
        self._check_dropped()
        return self

    def _check_dropped(self) -> None:
        dropped = sorted(index for rows in self.dropped.values() for index in rows)
        if dropped and not self.first_index <= dropped[0] <= dropped[-1] <= self.last_index:
            raise ValueError(f"drops index {dropped[0]} or {dropped[-1]}, which it was not asked")
        if len(set(dropped)) != len(dropped) or not all(map(_rises, self.dropped.values())):
            raise ValueError("drops an index twice, or lists dropped indices out of order")
        if self.kept != self.attempted - len(dropped):
            raise ValueError(
                f"kept is {self.kept}; of {self.attempted} attempted {len(dropped)} were dropped"
            )

    def kept_indices(self) -> list[int]:
        """What the shard holds, rising."""
        dropped = {index for rows in self.dropped.values() for index in rows}
        return [i for i in range(self.first_index, self.last_index + 1) if i not in dropped]

    @property
    def shard_file(self) -> ShardFile:
        """Where its bytes are and what they must be."""
        return ShardFile(self.file, self.file_digest, self.num_bytes, self.parts)


def record_name(shard: int) -> str:
    """The file of a shard's record below `records/`."""
    return f"{shard:06d}.json"


def sealed(model: Options, **volatile: Any) -> bytes:
    """A record or manifest as bytes; attempt id and times are in it but outside its digest."""
    return seal({**model.model_dump(mode="json"), **volatile})


def _rises(indices: list[int]) -> bool:
    return all(first < second for first, second in pairwise(indices))
