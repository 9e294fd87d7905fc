"""Ends a run at its n-th change of the disk, for every n.

A process that has imported everything forks once for each run, so that a run takes a fraction of a
second. In the fork each call that changes the disk is a point; at the n-th one the process is gone,
as by kill -9, before the call is made.
"""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

# Between two of them a file's bytes may be written in part, which is no other state than not at all:
# nobody reads a file by its temporary name.
POINTS = ("mkdir", "fsync", "link", "replace", "unlink")
KILLED = 137


class Outcome(NamedTuple):
    """How a forked run ended."""

    code: int
    num_points: int  # passed
    said: str  # the traceback, if any


class Forks:
    """Runs stages of `tiny` in forks of a process that is ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self, home: Path, *overrides: str, until: str = "eval-report", crash_at: int = 0
    ) -> Outcome:
        """Run up to a stage; gone at point `crash_at`, counted from 1, unless it is 0."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"home": str(home), "overrides": overrides, "until": until, "crash_at": crash_at}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))


@contextmanager
def forks() -> Iterator[Forks]:
    """A process that forks on demand, until the context is left."""
    tests = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-m", "faults.crash_points"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tests.parent,
        env={**os.environ, "PYTHONPATH": f"{tests}:{tests.parent}", "OMP_NUM_THREADS": "1"},
    ) as process:
        yield Forks(process)


def serve() -> None:
    """Answer orders, a line each, until there are no more."""
    import faults.here  # noqa: F401  (all that a fork needs, imported once)

    for line in sys.stdin:
        order = json.loads(line)
        outcome = in_fork(partial(_run, order), crash_at=order["crash_at"])
        sys.stdout.write(json.dumps(outcome._asdict()) + "\n")
        sys.stdout.flush()


def in_fork(work: Callable[[], object], *, crash_at: int = 0, kill_after: float = 0.0) -> Outcome:
    """Work in a fork of this process: gone at its n-th change of the disk, or by SIGKILL after seconds."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(work, crash_at, writer)
    os.close(writer)
    if kill_after:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader) as answers:
        lines = answers.read().splitlines()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    num_points = lines.count(".")
    return Outcome(code, num_points, "\n".join(lines[num_points:]))


def _work(work: Callable[[], object], crash_at: int, writer: int) -> None:
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    try:
        left = [crash_at]
        for name in POINTS:
            setattr(os, name, _counted(getattr(os, name), left, writer))
        work()
    except BaseException:  # noqa: BLE001  (it is told to the one who asked)
        os.write(writer, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)


def _run(order: dict[str, Any]) -> None:
    import pytest
    from faults.here import run_here, train_here

    train_here(pytest.MonkeyPatch())
    run_here(Path(order["home"]), *order["overrides"], until=order["until"])


def _counted(call: Callable[..., Any], left: list[int], writer: int) -> Callable[..., Any]:
    def counted(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os._exit(KILLED)
        os.write(writer, b".\n")
        return call(*arguments, **options)

    return counted


if __name__ == "__main__":
    serve()
