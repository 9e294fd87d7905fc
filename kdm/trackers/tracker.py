"""What a tracker is: it takes what a run has left on disk, step by step, and changes nothing.

A tracker runs in a process beside the training (kdm/training/follow.py), which reads the run's folder and
passes on what the tracker lacks. So a tracker answers one question, `last_step`, from its own store, and
every step comes once, in order, however often training and tracker were killed.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from kdm.trackers.tracked_run import Entry, TrackedRun
from storage.plugins import Plugin

GROUP = "kdm.trackers"


class Tracker(ABC):
    """One run's tracker, open. Whatever it raises ends its process, and never the training."""

    @abstractmethod
    def last_step(self) -> int:
        """The last step that its store has of this run; 0 if it has none."""

    @abstractmethod
    def tell(self, entries: Sequence[Entry]) -> None:
        """Take entries in order, all of them after `last_step`. A process may be killed in any of them."""

    @abstractmethod
    def finish(self, numbers: Mapping[str, float]) -> None:
        """The run is done: its final numbers by name. They come again, perhaps with others, later."""

    @abstractmethod
    def close(self) -> None:
        """Write what is still held back; nothing more comes in this process."""


class TrackerPlugin(Plugin, ABC):
    """The options of one kind of tracker. No number depends on it, so no digest covers it."""

    # What to import, and the extra of this project that installs it: none for what has no needs.
    package: ClassVar[str] = ""
    extra: ClassVar[str] = ""  # of pyproject.toml
    environment: ClassVar[Mapping[str, str]] = {}  # of its process: what keeps it from phoning home

    @property
    @abstractmethod
    def needs_disk(self) -> bool:
        """Whether it writes into the home, which must then be local."""

    @abstractmethod
    def open(self, run: TrackedRun) -> Tracker:
        """A tracker of the run, which may have been begun by an earlier process."""


def lacking(told: Mapping[str, Any], numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers that a store doesn't have, or has otherwise. NaN, which equals nothing, is NaN again."""
    return {name: value for name, value in numbers.items() if not _is(told.get(name), value)}


def _is(one: object, other: float) -> bool:
    both_nan = isinstance(one, float) and math.isnan(one) and math.isnan(other)
    return both_nan or one == other
