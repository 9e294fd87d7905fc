"""Shows a run on the terminal: a live line while a stage works, plain lines in a file or a pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from flows.progress import Meter, Progress
from flows.stage import StageResult
from storage.redaction import redacted

SECONDS_BETWEEN_LINES = 5.0  # if standard error is a file or a pipe
SECONDS_BETWEEN_FRAMES = 0.1


class Terminal:
    """The watcher of the command line. It writes to standard error; use it in a `with`."""

    waits = True

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._due = 0.0
        self._has_begun = False  # progress was printed, and the last line of it wasn't yet
        self._started = time.monotonic()
        self._said: set[str] = set()  # a run that continues without Prefect repeats nothing

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._live.stop()

    def report(self, progress: Progress) -> None:
        """Show how far a stage is: ten times a second if live, else every five seconds."""
        now = time.monotonic()
        # If a stage printed progress, its last line is always printed, so it ends at 100 %.
        is_end = self._has_begun and progress.done >= progress.total
        if now < self._due and not is_end:
            return
        if self._live.is_started:
            self._due = now + SECONDS_BETWEEN_FRAMES
            line = Text(_progress_line(progress), no_wrap=True, overflow="ellipsis")
            self._live.update(line, refresh=True)
        elif is_end or self._due or progress.done:
            self._due = now + SECONDS_BETWEEN_LINES
            self._has_begun = not is_end
            self._print(_progress_line(progress))

    def finished(self, result: StageResult) -> None:
        """One line per stage: how long it took, or that it was cached."""
        now = time.monotonic()
        took = "cached" if result.is_cached else f"done in {now - self._started:.1f} s"
        self._started, self._due, self._has_begun = now, 0.0, False
        if self._live.is_started:
            self._live.update(Text(), refresh=True)
        self._say_once(f"{result.stage:<14}  {result.name:<32}", f"  {took}")

    def waiting(self, for_what: str) -> None:
        """What the run is waiting for, if the terminal is live; the next line replaces it."""
        if self._live.is_started:
            self._live.update(Text(for_what), refresh=True)

    def say(self, sentence: str) -> None:
        """One line, once."""
        self._say_once(sentence, "")

    def warn(self, sentence: str) -> None:
        """One sentence, printed once, even if it comes again with another reason in parentheses."""
        subject, parenthesis, reason = sentence.partition(" (")
        self._say_once(subject, parenthesis + reason)

    def _say_once(self, subject: str, more: str) -> None:
        if subject not in self._said:
            self._said.add(subject)
            self._print(subject + more)

    def _print(self, line: str) -> None:
        self._console.print(Text(redacted(line)))


@contextmanager
def counting(stage: str, name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A line on the terminal for work that reports its own (done, total)."""
    with Terminal() as terminal:
        meter = Meter(terminal.report, stage, name, 0, unit)

        def report(done: int, total: int) -> None:
            meter.total = total
            meter.at(done)

        yield report


def _progress_line(progress: Progress) -> str:
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
