"""How far a run is: step, rate and time left, as one JSON object a line.

A training process writes them to stdout for the process that started it, and nothing else.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TextIO

# Seconds between two lines, so that a reader sees at most five a second.
REPORT_EVERY = 0.2


@dataclass(frozen=True)
class Progress:
    """The progress of a run after `step` steps.

    Rates are over this attempt, from its first step; `losses` are those of the last logged step.
    """

    step: int
    num_steps: int
    steps_per_second: float
    samples_per_second: float
    eta_seconds: float
    losses: dict[str, float]


@dataclass(frozen=True)
class Notice:
    """Something that a person should know, though the run continues."""

    notice: str


Report = Callable[[Progress | Notice], None]  # receives how a run is doing


class Meter:
    """Measures an attempt of a run, from the moment that the meter is made.

    `first_step` steps were done before; a step has `batch_size` samples.
    """

    def __init__(self, first_step: int, num_steps: int, *, batch_size: int = 1) -> None:
        self._first_step = first_step
        self._num_steps = num_steps
        self._batch_size = batch_size
        self._started = time.monotonic()
        self._reported = self._started

    def is_due(self) -> bool:
        """Whether the last report was 0.2 seconds ago or more."""
        return time.monotonic() - self._reported >= REPORT_EVERY

    def at(self, step: int, losses: dict[str, float]) -> Progress:
        """The report after `step` steps; the next one is due 0.2 seconds later."""
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
    """Writes reports to a stream, and stops writing once its reader is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def __call__(self, report: Progress | Notice) -> None:
        """Write one line and flush it."""
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps(asdict(report)) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # The reader died; the run ends by itself, after a checkpoint.
            self._stream = None
