"""Two programs, each a process, that do the same work in turns: no setting of one reaches the other."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from benchmarks.measured import python


class Took(NamedTuple):
    """What a turn took."""

    wall: float  # s
    cpu: float  # s, of all threads


class Side:
    """A process that runs `MODULE.FUNCTION` of this folder, which calls `answer`."""

    def __init__(self, call: str, *arguments: str) -> None:
        self._name = call
        self._process = subprocess.Popen(
            python(call, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self._process.communicate()

    def take(self, turn: str) -> Took:
        """Do one of its works; an AssertionError where it cannot."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(turn + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, f"{self._name} ended with {self._process.wait()} in its turn '{turn}'"
        return Took(*json.loads(said))


def answer(works: Mapping[str, Callable[[], object]]) -> None:
    """Do what each line of stdin names, and say what it took."""
    for line in sys.stdin:
        started = _now()
        works[line.strip()]()
        _say(started)


class Turns:
    """The same for a work of many parts that asks before each of them whether to stop."""

    def __init__(self, settle: Callable[[], object] | None = None) -> None:
        self._settle = settle  # waits until what was begun is done
        self._started: Took | None = None

    def __call__(self) -> bool:
        """Say what the last part took and wait for a turn; SystemExit once there are no more."""
        if self._settle:
            self._settle()
        if self._started is not None:
            _say(self._started)
        if not sys.stdin.readline():
            raise SystemExit
        self._started = _now()
        return False


def _now() -> Took:
    return Took(time.perf_counter(), time.process_time())


def _say(started: Took) -> None:
    took = [now - then for now, then in zip(_now(), started, strict=True)]
    print(json.dumps(took), flush=True)


def compared(slow: Sequence[Took], fast: Sequence[Took], device: str) -> tuple[list[float], str]:
    """Mean seconds a round of either, CPU's on a CPU; 'RATIO (LOW to HIGH)' of `times_as_fast`."""
    counted = "cpu" if device == "cpu" else "wall"
    seconds = [[getattr(each, counted) for each in side] for side in (slow, fast)]
    ratio, low, high = times_as_fast(*seconds)
    return [sum(each) / len(each) for each in seconds], f"{ratio:.3f} ({low:.3f} to {high:.3f})"


def times_as_fast(slow: list[float], fast: list[float]) -> tuple[float, float, float]:
    """The ratio of all seconds, and where 95 % of those of resampled rounds lie."""
    seconds = np.array([slow, fast])
    rows = np.random.RandomState(0).randint(len(slow), size=(10_000, len(slow)))
    ratios = seconds[0][rows].sum(1) / seconds[1][rows].sum(1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(sum(slow) / sum(fast)), float(low), float(high)
