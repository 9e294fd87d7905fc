"""What code knows that runs in a thread beside others: its lane, through which a request to stop reaches it.

Only the main thread hears signals. A lane whose child was asked to stop, or that is about to start one then,
raises `Stopped`.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from signal import SIGTERM
from threading import Event, Lock

from flows.child_process import ask_to_stop, end_within
from flows.exit import Stopped


class Stop:
    """A request to stop, and the children that it reaches."""

    def __init__(self) -> None:
        self._children: list[subprocess.Popen[str]] = []
        self._lock, self._is_asked = Lock(), Event()

    def require_unasked(self) -> None:
        """Raise `Stopped` once it was made."""
        if self._is_asked.is_set():
            raise Stopped(128 + SIGTERM)

    @contextmanager
    def reaches(self, child: "subprocess.Popen[str]") -> Iterator[None]:
        """It reaches this child too, also if it was made before."""
        with self._lock:
            self._children.append(child)
        if self._is_asked.is_set():  # a request from now on finds the child
            ask_to_stop(child)
        try:
            yield
        finally:
            with self._lock:
                self._children.remove(child)

    def ask(self, grace_seconds: float) -> None:
        """SIGTERM for all children, and SIGKILL for those that still run after so long."""
        self._is_asked.set()
        with self._lock:
            children = list(self._children)
        deadline = time.monotonic() + grace_seconds
        for child in children:
            ask_to_stop(child)
        for child in children:
            end_within(child, max(deadline - time.monotonic(), 0.0))


@dataclass(eq=False)
class Lane:
    """One piece of work beside others."""

    number: int  # from 1, in the order of the pieces
    stop: Stop
    began: float = field(default_factory=time.monotonic)
    has_ended: bool = False


LANE: ContextVar[Lane | None] = ContextVar("lane", default=None)


def require_going_on() -> None:
    """Raise `Stopped` in a lane that was asked to stop; elsewhere a signal has raised it already."""
    lane = LANE.get()
    if lane is not None:
        lane.stop.require_unasked()


@contextmanager
def reached_by_stop(child: "subprocess.Popen[str]") -> Iterator[None]:
    """A request to stop the lane that this code runs in reaches the child as well."""
    lane = LANE.get()
    if lane is None:
        yield
        return
    with lane.stop.reaches(child):
        yield
