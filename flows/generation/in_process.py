"""The engine of this process: a worker thread for each GPU or core, and all shards as one unit."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.generation.engine import NoteInvalid, OnMessage
from flows.generation.maker import Maker, prepared_maker
from flows.generation.unit import MadeUnit, Unit
from flows.generation.units import Pace
from flows.generation.work import Announcement, Work


@dataclass(frozen=True)
class InProcess:
    """One maker; its worker threads share the shards of a unit."""

    maker: Maker
    num_workers: int = 1
    pace: Pace = field(default_factory=Pace)
    takes_all: bool = True

    def results(self, units: Iterable[Unit], on_message: OnMessage) -> Iterator[MadeUnit]:
        """Make one unit after the other."""
        for unit in units:
            yield self.maker.make(unit, on_message)


@contextmanager
def in_process(
    work: Work, note_invalid: NoteInvalid, announcement: Announcement, *, num_shards: int
) -> Iterator[InProcess]:
    """Load the teacher here."""
    maker = prepared_maker(
        work,
        note_invalid,
        num_workers=work.pairs.num_workers,
        num_shards=num_shards,
        announcement=announcement,
    )
    with maker as prepared:
        yield InProcess(prepared)
