"""The command as a user starts it, and ways to end it early."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
from faults.warm import Warm

# Set by conftest.py: whether commands of the suite are started quickly, or as a user does, in campaigns.
IS_WARM = False
KDM = str(Path(sys.executable).with_name("kdm"))


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    said: str  # stdout and stderr
    seconds: float


def kdm(home: Path, *options: str, recipe: str = "tiny") -> list[str]:
    """`kdm run RECIPE --direct --home HOME`."""
    command = [KDM, "run", recipe, "--direct", "--device", "cpu"]
    return [*command, "--home", str(home), *options]


def start(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    may_be_warm: bool = True,
    **popen: object,
) -> subprocess.Popen[str]:
    """The command in a process group of its own, without what the user's shell has set.

    In the suite one of `kdm` is forked with everything imported (`faults.warm`).
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KDM_")}
    is_plain = command[0] == KDM and popen.keys() <= {"cwd"}
    if IS_WARM and may_be_warm and is_plain:
        more = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **(environment or {})}
        cwd = str(popen["cwd"]) if popen.get("cwd") else None
        return Warm(command, {**kept, **more}, cwd)  # type: ignore[return-value]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**kept, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **(environment or {})},
        **popen,  # type: ignore[call-overload]
    )


def finish(process: subprocess.Popen[str], seconds: float = 300) -> Ended:
    """Wait for a command's end."""
    started = time.monotonic()
    said, _ = process.communicate(timeout=seconds)
    return Ended(process.returncode, said, time.monotonic() - started)


def run(command: list[str], **popen: object) -> Ended:
    """Start a command and wait for its end."""
    return finish(start(command, **popen))


def succeed(command: list[str]) -> Ended:
    """Run a command that must exit with 0."""
    ended = run(command)
    assert ended.code == 0, ended.said
    return ended


def kill_tree(process: subprocess.Popen[str]) -> None:
    """kill -9 of the command and of all that it started, at one instant."""
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
        for each in (process.pid, *(child.pid for child in children)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each, signal.SIGKILL)
    process.communicate()


def kill_alone(process: subprocess.Popen[str]) -> None:
    """kill -9 of the command itself; its children must notice and leave."""
    process.kill()
    # Its children hold its output open, so there is no end of it to wait for.
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def kill_training(process: subprocess.Popen[str], home: Path) -> None:
    """kill -9 of what the command trains in; the command must say so. Of all, where it does not."""
    children = trainings(home)
    for each in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    if not children:
        kill_tree(process)
        return
    ended = finish(process, seconds=30)
    if ended.code:  # it may have been the last breath of an ended training
        assert "run the same command again" in ended.said
        assert "Traceback" not in ended.said


def trainings(home: Path) -> list[int]:
    """Training processes that work below a home."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if "kdm.training" in line and any(str(home) in part for part in line):
                found.append(process.pid)
    return found


def wait_until_alone(home: Path, seconds: float = 10) -> None:
    """Wait until no training process is left below a home; an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while trainings(home):
        assert time.monotonic() < deadline, f"still training after {seconds} s: {trainings(home)}"
        time.sleep(0.05)
