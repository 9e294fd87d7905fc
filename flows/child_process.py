"""A child process in a group of its own, so that a kill reaches all of it or none."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from kdm.training.child_environment import child_environment


def started(
    command: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    more: Mapping[str, str] | None = None,
) -> "subprocess.Popen[str]":
    """Start a command whose output, with its errors, is read as text; `more` are variables for it."""
    environment = {**child_environment(), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        env={**environment, **(more or {})},
    )


def ask_to_stop(child: "subprocess.Popen[str]") -> None:
    """Send SIGTERM to a child and all that it started."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)


def stop(child: "subprocess.Popen[str]", grace_seconds: float) -> None:
    """End a child: SIGTERM, then SIGKILL if it still runs after so long."""
    ask_to_stop(child)
    end_within(child, grace_seconds)


def end_within(child: "subprocess.Popen[str]", seconds: float) -> None:
    """Wait for a child that was asked to stop; SIGKILL if it still runs after so long."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
