"""How far batches have been read, as a document that says whose batches they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from storage.options import Options, parse
from storage.reading.order import Position
from storage.shard_record import Digest

_PROGRESS = frozenset({"epoch", "offset", "step"})
_WORDS = {"set_digest": "of the set", "masks": "of pairs that passed the decisions"}


@dataclass(frozen=True)
class ReadingState:
    """Batches taken so far, and where in the order the next one begins."""

    position: Position = field(default_factory=Position)
    step: int = 0


class SavedState(Options):
    """What `state_dict` gives: all that decides which pairs a batch holds, and how far it was read."""

    version: Literal[1] = 1
    set_digest: Digest  # of its spec
    split: str
    count: int = Field(ge=1)  # indices that the order covers
    masks: tuple[Digest, ...]
    seed: int = Field(ge=0, le=2**64 - 1)
    batch_size: int = Field(ge=1)  # of all ranks together
    epoch: int = Field(0, ge=0)
    offset: int = Field(0, ge=0)
    step: int = Field(0, ge=0)

    @property
    def progress(self) -> ReadingState:
        """How far it was read."""
        return ReadingState(Position(self.epoch, self.offset), self.step)

    def at(self, progress: ReadingState) -> dict[str, Any]:
        """The same batches read so far, as plain values."""
        position = progress.position
        changed = {"epoch": position.epoch, "offset": position.offset, "step": progress.step}
        document = self.model_copy(update=changed).model_dump()
        return {**document, "masks": list(self.masks)}

    def progress_in(self, state: Mapping[str, Any]) -> ReadingState:
        """How far another state of these batches was read; a ValueError if it is of others."""
        if not isinstance(state, Mapping):
            raise ValueError(
                f"state is a {type(state).__name__}; give what state_dict() returned, or `batch.state`"
            )
        other = parse(SavedState, dict(state), "the state of batches")
        for name in type(self).model_fields.keys() - _PROGRESS:
            own, its = getattr(self, name), getattr(other, name)
            if own != its:
                raise ValueError(
                    f"the state was saved {_told(name, its)}, and these batches are {_told(name, own)}: "
                    "they hold other pairs. Make batches as they were made then, or leave the state out"
                )
        if other.offset > self.count:
            raise ValueError(
                f"the state of batches has offset {other.offset:,}, and an epoch has {self.count:,} indices; "
                "it was changed after it was saved"
            )
        return other.progress


@dataclass(frozen=True)
class Bounds:
    """Where batches end: after so many steps, or with the last whole batch of so many epochs."""

    num_steps: int | None = None
    num_epochs: int | None = None

    def are_passed(self, state: ReadingState) -> bool:
        """Whether the batch that leads to this state is one too many."""
        if self.num_steps is not None:
            return state.step > self.num_steps
        return self.num_epochs is not None and state.position.epoch >= self.num_epochs

    def __str__(self) -> str:
        if self.num_steps is not None:
            return f"after {self.num_steps:,} steps"
        return f"after {self.num_epochs} epochs"


def _told(name: str, value: object) -> str:
    if isinstance(value, tuple):
        value = ", ".join(each[:12] for each in value) or "none"
    if name in _WORDS:
        return f"{_WORDS[name]} {str(value)[:40]}"
    return f"with {name} {value}"
