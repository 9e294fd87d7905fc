"""How a command ends: normally, by a signal, by a failed training, or after losing Prefect's server."""

import os
import signal
import sys
from threading import Event
from types import FrameType
from typing import NoReturn

from storage.errors import StoreError

# Set once the API is lost for good. Prefect sends its last events as the interpreter ends, and
# if nothing answers it waits seven seconds for each (two minutes after a run of six stages).
API_LOST = Event()
_signals: list[int] = []


class Stopped(SystemExit):
    """A signal asked the command to end; its exit code is the shell's for that signal."""


class TrainingFailedError(StoreError):
    """The training process ended without a result: a failure, and not the user's error."""


def stop_on_signals() -> None:
    """From now on SIGTERM, SIGINT and SIGUSR1 raise `Stopped`, so that stages can end their children.

    SIGUSR1 is what Slurm's `--signal` sends some time before a job's limit.
    """
    signal.signal(signal.SIGUSR1, _stop)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)


def stop_if_asked() -> None:
    """Raise `Stopped` once more if something else was raised on its way.

    Ctrl-C reaches the embedded server too; Prefect then fails to tell it of the stop.
    """
    if _signals:
        raise Stopped(128 + _signals[0])


def leave(code: int) -> NoReturn:
    """End the process; at once after a signal or if Prefect's API is lost.

    Torch takes a second to shut down, and several on a busy machine.
    """
    if API_LOST.is_set() or (_signals and "prefect" not in sys.modules):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    _signals.append(number)
    raise Stopped(128 + number)
