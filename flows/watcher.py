"""Who follows a run: the terminal, or the log on Prefect's page."""

from typing import Protocol

from flows.progress import Progress
from flows.stage import StageResult


class Watcher(Protocol):
    """What a run tells, in the order in which it happens."""

    # Whether somebody waits for the end; else a report that another process writes is left to that.
    waits: bool

    def report(self, progress: Progress) -> None:
        """How far a stage is."""

    def finished(self, result: StageResult) -> None:
        """A stage has ended."""

    def say(self, sentence: str) -> None:
        """Something that is good to know."""

    def warn(self, sentence: str) -> None:
        """Something is not as it should be, and the run goes on."""
