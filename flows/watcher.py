"""Who watches a run: the terminal, or the log on Prefect's page."""

from typing import Protocol

from flows.progress import Progress
from flows.stage import StageResult


class Watcher(Protocol):
    """What a run tells, in the order in which it happens."""

    # Whether someone is waiting; if not, a report that another process is writing is left to it.
    waits: bool

    def report(self, progress: Progress) -> None:
        """How far a stage is."""

    def finished(self, result: StageResult) -> None:
        """A stage has ended."""

    def say(self, sentence: str) -> None:
        """Print a sentence."""

    def warn(self, sentence: str) -> None:
        """Print a warning; the run continues."""
