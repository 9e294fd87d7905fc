"""Several commands that generate one set at once, killed, paused and started again at random."""

import contextlib
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from faults.commands import Ended, finish, start

KDM = str(Path(sys.executable).with_name("kdm"))
SPAN = 1.5  # seconds without a sign of life after which a claim may be taken over
NUM_SHARDS = 40  # of the training split
TWICE = 0.1  # of them at most are made by two
# A field that is known in closed form, with so many steps that a shard takes some 15 ms; of
# this shape no picture is drawn.
RECIPE = """
name: shared
title: A set that several commands make
teacher: {name: gaussian, model: {plugin: gaussian, mean: -0.5, std: 0.5}}
pairs:
  kind: generated
  name: shared
  sampler: {plugin: euler, num_steps: 100}
  pairs: {shape: [64], noise: {seed: 1, scale: 1.0}}
  train: 1280
  heldout: 64
  sampling_batch: 32
  layout: wds-32
"""
WAYS = (
    ("--on", "processes", "--workers", "1"),
    ("--part", "1/2"),
    ("--part", "2/2"),
    ("--workers", "1"),
)
PROCESSES = ("--on", "processes", "--workers", "2")
ON_DASK = ("--on", "dask", "--workers", "1")


def generate(home: Path, recipe: Path, *options: str) -> list[str]:
    """`kdm generate-pairs RECIPE --direct …`."""
    return [KDM, "generate-pairs", str(recipe), "--direct", "--home", str(home), *options]


def started(command: Sequence[str], *, may_be_warm: bool = True) -> subprocess.Popen[str]:
    """The command, with a short span."""
    return start(command, {"KDM_CLAIM_SPAN": str(SPAN)}, may_be_warm=may_be_warm)


def num_shards(home: Path) -> int:
    """Training shards that have a record."""
    return len(list(home.glob("pairs/*/train/*/records/*.json")))


@dataclass
class Generators:
    """Commands at work on one home, and what has been done to them."""

    home: Path
    recipe: Path
    chosen: random.Random
    ways: Sequence[tuple[str, ...]] = WAYS
    events: list[str] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    _running: dict[tuple[str, ...], subprocess.Popen[str]] = field(default_factory=dict)

    def begin(self) -> None:
        """Start all."""
        for way in self.ways:
            self._running[way] = started(generate(self.home, self.recipe, *way))

    def wait_for_shards(self, number: int, seconds: float = 120) -> None:
        """Until so many shards are there, or all commands have ended."""
        deadline = time.monotonic() + seconds
        while num_shards(self.home) < number and any(
            each.poll() is None for each in self._running.values()
        ):
            assert time.monotonic() < deadline, f"{num_shards(self.home)} shards after {seconds} s"
            time.sleep(0.01)

    def disturb(self) -> None:
        """Kill one command and start it again, or pause one past the span of its claims."""
        way = self.chosen.choice(self.ways)
        process = self._running[way]
        if process.poll() is not None:
            self.events.append(f"{way}: had ended")
        elif self.chosen.random() < 0.5:
            self.events.append(f"{way}: killed at {num_shards(self.home)} shards")
            process.kill()  # alone: its children must notice
            process.communicate()
            self._running[way] = started(generate(self.home, self.recipe, *way))
        else:
            self.events.append(f"{way}: paused at {num_shards(self.home)} shards")
            with stopped(process.pid):
                time.sleep(1.5 * SPAN)

    def finish(self) -> None:
        """Wait for all; one that is no part of an array ends what is left."""
        self.ended += [finish(process) for process in self._running.values()]
        for each in self.ended:
            assert each.code == 0, each.said

    def num_made_twice(self) -> int:
        """Shards that a command made and another had written meanwhile."""
        said = "\n".join(each.said for each in self.ended)
        return sum(map(int, re.findall(r"(\d+) shards? (?:was|were) made by another", said)))


def disturbed(
    home: Path, recipe: Path, seed: int, *, num_events: int, with_dask: bool
) -> Generators:
    """Four commands that have made one set together, killed and paused at random by a seed."""
    chosen = random.Random(seed)
    generators = Generators(home, recipe, chosen, (ON_DASK, *WAYS[1:]) if with_dask else WAYS)
    generators.begin()
    for place in sorted(chosen.sample(range(1, NUM_SHARDS - 5), num_events)):
        generators.wait_for_shards(place)
        generators.disturb()
    generators.finish()
    return generators


@contextlib.contextmanager
def stopped(pid: int) -> Any:
    """A process and its children, stopped for the time of the block."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for each in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGCONT)
        return
    yield
