"""kill -9 at random instants, the same command again, until it ends by itself."""

import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faults.commands import (
    finish,
    kdm,
    kill_alone,
    kill_training,
    kill_tree,
    start,
    succeed,
    wait_until_alone,
)
from faults.digests import digests_of, temporary_files

# What lies at a home once a stage has ended, last stage first.
_MARKS = {
    "eval-report": "reports/*/metrics.json",
    "evaluate": "students/*/samples.png",  # of points, as in the recipe that is killed
    "distill": "students/*/config.json",
    "filter-pairs": "pairs/*/heldout/*/masks/*/decisions/*/decision.json",
    "generate-pairs": "pairs/*/heldout/*/manifests/*.json",
    "train-teacher": "teachers/*/config.json",
}


# The command alone in half of the cases; with all that it started; only what it trains in.
MODES = ("alone", "alone", "tree", "training")


@dataclass(frozen=True)
class Kill:
    """One injection: who was killed, when, and how far the home had come."""

    seed: int
    number: int
    mode: str
    seconds: float  # after the start of the command
    ended: bool  # the command was faster
    done: str  # the last stage that had ended


@dataclass(frozen=True)
class Pace:
    """What an uninterrupted run takes on this machine."""

    whole: float  # seconds
    start: float  # seconds before a run that finds everything done has ended

    @classmethod
    def of(cls, home: Path, whole: float) -> "Pace":
        """Measured at a finished home."""
        return cls(whole, succeed(kdm(home)).seconds)


def kill_and_resume(
    home: Path, seed: int, num_kills: int, pace: Pace, *options: str
) -> Iterator[dict[str, Any]]:
    """Kill the run of `home` with these options `num_kills` times, spread over its length, then let it end.

    Gives a line for each kill; then the command has exited with 0 and left no process behind.
    """
    yield from kill(home, seed, num_kills, pace, *options)
    succeed(kdm(home, *options))
    wait_until_alone(home)


def kill(
    home: Path, seed: int, num_kills: int, pace: Pace, *options: str
) -> Iterator[dict[str, Any]]:
    """The kills alone: a run that is there to be finished."""
    for number, (mode, seconds) in enumerate(instants(seed, num_kills, pace)):
        process = start(kdm(home, *options))
        ended = _has_ended(process, seconds)
        if ended:
            done = finish(process)
            assert done.code == 0, done.said
        else:
            _kill(process, mode, home)
        yield asdict(Kill(seed, number, mode, round(seconds, 3), ended, stage_done(home)))


def instants(seed: int, num_kills: int, pace: Pace) -> Iterator[tuple[str, float]]:
    """(mode, seconds after the start) of each kill: together uniform over an unbroken run."""
    chosen = random.Random(seed)
    work = max(pace.whole - pace.start, 0.1)
    places = sorted(chosen.uniform(0, pace.whole) for _ in range(num_kills))
    before = 0.0
    for number, place in enumerate(places):
        # A resumed run first finds what is done; a kill may also come while it does.
        lead = 0.0 if number == 0 else chosen.uniform(0, pace.start)
        yield chosen.choice(MODES), min(lead + place - before, work + pace.start)
        before = place


def faults_after(home: Path, golden: dict[str, str]) -> list[str]:
    """What is not as an uninterrupted run would have left it."""
    found = digests_of(home)
    differing = sorted(name for name in {*found, *golden} if found.get(name) != golden.get(name))
    return differing + temporary_files(home)


def stage_done(home: Path) -> str:
    """The last stage whose mark lies at a home."""
    return next((stage for stage, mark in _MARKS.items() if any(home.glob(mark))), "none")


def _kill(process: subprocess.Popen[str], mode: str, home: Path) -> None:
    if mode == "tree":
        kill_tree(process)
    elif mode == "training":
        kill_training(process, home)
    else:
        kill_alone(process)


def _has_ended(process: subprocess.Popen[str], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return True
        time.sleep(0.005)
    return False
