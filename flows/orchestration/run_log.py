"""Who watches a flow: the command that called it, else the run's log on Prefect's page."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prefect.logging import get_run_logger

from flows.progress import Progress
from flows.stage import StageResult
from flows.watcher import Watcher
from storage.redaction import redacted


class RunLog:
    """The watcher of a flow that a worker runs: the run's log on Prefect's page."""

    waits = False  # the schedule starts another run soon enough

    def report(self, progress: Progress) -> None:
        """Nothing; an artifact shows progress."""

    def finished(self, result: StageResult) -> None:
        """A line a stage."""
        get_run_logger().info("%s %s: %s", result.stage, result.name, result.state)

    def say(self, sentence: str) -> None:
        """A line."""
        get_run_logger().info(redacted(sentence))

    def warn(self, sentence: str) -> None:
        """A warning."""
        get_run_logger().warning(redacted(sentence))


_RUN_LOG = RunLog()
WATCHER: ContextVar[Watcher] = ContextVar("watcher", default=_RUN_LOG)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Flows called in this context report to `watcher` instead of their log."""
    token = WATCHER.set(watcher)
    try:
        yield
    finally:
        WATCHER.reset(token)
