"""A run on the terminal: a live line while a stage works, a plain one where nobody watches."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from flows.progress import Meter, Progress
from flows.stage import StageResult

SECONDS_BETWEEN_LINES = 5.0  # where standard error is a file or a pipe
SECONDS_BETWEEN_FRAMES = 0.1


class Terminal:
    """The watcher of the command line; it writes to standard error. Use it in a `with`."""

    waits = True

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._due = 0.0
        self._has_begun = False  # the stage has a line of progress, and not yet its last
        self._started = time.monotonic()
        self._said: set[str] = set()  # a run that goes on without Prefect tells nothing twice

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._live.stop()

    def report(self, progress: Progress) -> None:
        """Show how far a stage is: ten times a second live, else every five seconds."""
        now = time.monotonic()
        # The last word of a stage that has said others is always said: it ends at 100 %.
        is_end = self._has_begun and progress.done >= progress.total
        if now < self._due and not is_end:
            return
        if self._live.is_started:
            self._due = now + SECONDS_BETWEEN_FRAMES
            line = Text(progress_line(progress), no_wrap=True, overflow="ellipsis")
            self._live.update(line, refresh=True)
        elif is_end or self._due or progress.done:
            self._due = now + SECONDS_BETWEEN_LINES
            self._has_begun = not is_end
            self._print(progress_line(progress))

    def finished(self, result: StageResult) -> None:
        """A line a stage: how long it took, or that it was there already."""
        now = time.monotonic()
        took = "cached" if result.is_cached else f"done in {now - self._started:.1f} s"
        self._started, self._due, self._has_begun = now, 0.0, False
        if self._live.is_started:
            self._live.update(Text(), refresh=True)
        self._say_once(f"{result.stage:<14}  {result.name:<32}", f"  {took}")

    def waiting(self, for_what: str) -> None:
        """What the run waits for, where somebody watches; gone with the next word."""
        if self._live.is_started:
            self._live.update(Text(for_what), refresh=True)

    def say(self, sentence: str) -> None:
        """One line, once."""
        self._say_once(sentence, "")

    def warn(self, sentence: str) -> None:
        """One sentence; said again for another reason (in parentheses) it is not told again."""
        subject, parenthesis, reason = sentence.partition(" (")
        self._say_once(subject, parenthesis + reason)

    def _say_once(self, subject: str, more: str) -> None:
        if subject not in self._said:
            self._said.add(subject)
            self._print(subject + more)

    def _print(self, line: str) -> None:
        self._console.print(Text(line))


@contextmanager
def counting(stage: str, name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A line on the terminal for work that reports (done, total) of its own."""
    with Terminal() as terminal:
        meter = Meter(terminal.report, stage, name, 0, unit)

        def report(done: int, total: int) -> None:
            meter.total = total
            meter.at(done)

        yield report


def progress_line(progress: Progress) -> str:
    """'distill  kdm  4,200/10,000 steps  42%  512/s  0:11 to go  total 0.012'."""
    percent = 100 * progress.done // max(progress.total, 1)
    parts = [
        f"{progress.stage:<14}",
        progress.name,
        f"{progress.done:,}/{progress.total:,} {progress.unit}",
        f"{percent}%",
    ]
    if progress.rate > 0:
        parts += [f"{progress.rate:,.3g}/s", f"{clock(progress.eta_seconds)} to go"]
    return "  ".join([*parts, progress.note]).rstrip()


def clock(seconds: float) -> str:
    """'0:07', '12:30', '1:02:03'."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
