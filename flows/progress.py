"""How far a stage is, with rate and ETA, as it's reported to the command line, Prefect and tests."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """A stage's position: `done` of `total` units, units a second, and seconds to go."""

    stage: str
    name: str
    done: int
    total: int
    unit: str
    rate: float  # units a second of wall time
    eta_seconds: float
    note: str = ""


Reporter = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """A reporter that does nothing."""


def unsaid(sentence: str) -> None:
    """The same for sentences."""


@dataclass
class Meter:
    """Turns counts into progress with rate and ETA, and hands it to a reporter."""

    reporter: Reporter
    stage: str
    name: str
    total: int
    unit: str
    _started: float = field(default_factory=time.monotonic)
    _first: int | None = None

    def at(self, done: int, note: str = "") -> None:
        """Report that `done` units are done; the first call only sets where counting begins."""
        if self._first is None:
            self._first, self._started = done, time.monotonic()
        elapsed = max(time.monotonic() - self._started, 1e-6)
        rate = (done - self._first) / elapsed
        eta = (self.total - done) / rate if rate > 0 else 0.0
        self.reporter(Progress(self.stage, self.name, done, self.total, self.unit, rate, eta, note))
