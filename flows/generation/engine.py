"""Where units are made: in this process, in others of this machine, on a Dask cluster, by other flow runs.

An engine takes units one by one, as its workers become free, and tells of each as it ends. The store decides
what is there; an engine that dies leaves what it has written.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from flows.generation.unit import MadeUnit, Unit
from flows.generation.units import Pace
from flows.generation.work import Announcement, Work
from pairgen.ordered_pool import Message

OnMessage = Callable[[Message], None]
NoteInvalid = Callable[[str, dict[str, list[int]]], None]  # split; indices by reason


class Engine(Protocol):
    """Workers that make units."""

    @property
    def num_workers(self) -> int:
        """Units that are made at a time."""

    @property
    def pace(self) -> Pace:
        """How large its units are."""

    @property
    def takes_all(self) -> bool:
        """Whether it takes all shards as one unit."""

    def results(self, units: Iterable[Unit], on_message: OnMessage) -> Iterator[MadeUnit]:
        """Each unit as it ends, in any order. An error of a worker is raised here.

        `on_message` is called in this thread with the number of samples done, or a sentence.
        """


class Starts(Protocol):
    """How an engine is started; the work is prepared before its first unit."""

    def __call__(
        self,
        work: Work,
        note_invalid: NoteInvalid,
        announcement: Announcement,
        /,
        *,
        num_shards: int,
    ) -> AbstractContextManager[Engine]:
        """The engine; at the end of the context its workers have stopped."""
