"""How far a run is: rate and time left, as one JSON object a line."""

import json
import time
from dataclasses import asdict, dataclass
from typing import TextIO

# Seconds between two lines, so that a reader sees at most five a second.
REPORT_EVERY = 0.2


@dataclass(frozen=True)
class Progress:
    """Where a run is; `losses` are those of the last logged step."""

    step: int
    num_steps: int
    steps_per_second: float
    samples_per_second: float
    eta_seconds: float
    losses: dict[str, float]


@dataclass(frozen=True)
class Notice:
    """Something a person should know, though the run goes on."""

    notice: str


class Meter:
    """Measures one run from the moment that it is made."""

    def __init__(self, first_step: int, num_steps: int, *, batch_size: int = 1) -> None:
        self._first_step = first_step
        self._num_steps = num_steps
        self._batch_size = batch_size
        self._started = time.monotonic()
        self._reported = self._started

    def is_due(self) -> bool:
        """Whether it is time for another report."""
        return time.monotonic() - self._reported >= REPORT_EVERY

    def at(self, step: int, losses: dict[str, float]) -> Progress:
        """The report after `step` steps."""
        self._reported = time.monotonic()
        elapsed = max(self._reported - self._started, 1e-9)
        rate = (step - self._first_step) / elapsed
        eta = (self._num_steps - step) / rate if rate else 0.0
        return Progress(
            step=step,
            num_steps=self._num_steps,
            steps_per_second=round(rate, 3),
            samples_per_second=round(rate * self._batch_size, 1),
            eta_seconds=round(eta, 1),
            losses=losses,
        )


class JsonLines:
    """Writes reports to a stream until its reader is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def __call__(self, report: Progress | Notice) -> None:
        """One line, at once."""
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps(asdict(report)) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # The reader died; the run ends by itself, after a checkpoint.
            self._stream = None
