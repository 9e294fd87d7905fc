"""Shows a run on the terminal: a live line while a stage works, plain lines in a file or a pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from flows.lane import LANE, Lane
from flows.progress import Meter, Progress
from flows.stage import StageResult
from flows.verbosity import is_quiet
from storage.redaction import redacted

SECONDS_BETWEEN_LINES = 5.0  # if standard error is a file or a pipe
SECONDS_BETWEEN_FRAMES = 0.1


@dataclass
class _Line:
    """The line of what works in turn, or of a lane beside others."""

    began: float  # when its work began, or what it did before ended
    lane: Lane | None = None
    due: float = 0.0
    has_begun: bool = False  # progress was printed, and the last line of it wasn't yet
    text: str = ""

    @property
    def is_shown(self) -> bool:
        return bool(self.text) and not (self.lane and self.lane.has_ended)


class Terminal:
    """The watcher of the command line. It writes to standard error; use it in a `with`."""

    waits = True

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(
            stderr=True, highlight=False, soft_wrap=True, quiet=is_quiet()
        )
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._in_turn = _Line(time.monotonic())
        self._beside: dict[Lane, _Line] = {}
        self._said: set[str] = set()  # a run that continues without Prefect repeats nothing
        self._lock = RLock()  # lanes tell from threads of their own

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.quiet:
            self._live.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._live.stop()

    def report(self, progress: Progress) -> None:
        """Show how far a stage is: ten times a second if live, else every five seconds."""
        with self._lock:
            self._report(progress, self._line())

    def _report(self, progress: Progress, line: _Line) -> None:
        now = time.monotonic()
        # If a stage printed progress, its last line is always printed, so it ends at 100 %.
        is_end = line.has_begun and progress.done >= progress.total
        if now < line.due and not is_end:
            return
        if self._live.is_started:
            line.due, line.text = now + SECONDS_BETWEEN_FRAMES, _progress_line(progress)
            self._draw()
        elif is_end or line.due or progress.done:
            line.due = now + SECONDS_BETWEEN_LINES
            line.has_begun = not is_end
            self._print(_progress_line(progress))

    def finished(self, result: StageResult) -> None:
        """One line per stage: how long it took, or that it was cached."""
        with self._lock:
            now, line = time.monotonic(), self._line()
            took = "cached" if result.is_cached else f"done in {now - line.began:.1f} s"
            line.began, line.due, line.has_begun, line.text = now, 0.0, False, ""
            self._in_turn.began = now  # what comes after the lanes begins with the end of the last
            if self._live.is_started:
                self._draw()
            self._say_once(f"{result.stage:<14}  {result.name:<32}", f"  {took}")

    def waiting(self, for_what: str) -> None:
        """What the run is waiting for, if the terminal is live; the next line replaces it."""
        with self._lock:
            self._line().text = for_what
            if self._live.is_started:
                self._draw()

    def _line(self) -> _Line:
        """The line of the lane that calls."""
        lane = LANE.get()
        if lane is None:
            return self._in_turn
        return self._beside.setdefault(lane, _Line(lane.began, lane))

    def _draw(self) -> None:
        """Every line that is shown, each in a line of the terminal."""
        beside = sorted(self._beside.items(), key=lambda each: each[0].number)
        lines = [self._in_turn, *(line for _, line in beside)]
        shown = [
            Text(line.text, no_wrap=True, overflow="ellipsis") for line in lines if line.is_shown
        ]
        self._live.update(Group(*shown) if shown else Text(), refresh=True)

    def say(self, sentence: str) -> None:
        """One line, once."""
        self._say_once(sentence, "")

    def warn(self, sentence: str) -> None:
        """One sentence, printed once, even if it comes again with another reason in parentheses."""
        subject, parenthesis, reason = sentence.partition(" (")
        self._say_once(subject, parenthesis + reason)

    def _say_once(self, subject: str, more: str) -> None:
        with self._lock:
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
