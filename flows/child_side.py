"""What a child does around its work: it starts, tells its parent of an error, and ends with its input.

A parent that dies, however it does, closes that input and so leaves no child behind. SIGTERM ends a child
too; its work then gives up what it holds.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from queue import SimpleQueue
from typing import Any, NoReturn

from flows.exit import Stopped, TrainingFailedError, stop_on_signals
from flows.json_lines import failed, say_line
from storage.errors import StoreError
from storage.redaction import Redacting
from storage.startup import replace_what_cannot_be_said

Lines = Iterator[dict[str, Any]]  # what the parent writes, as it comes
_TRAINING_FAILED, _USER_ERROR = 1, 2
_SECONDS_TO_END = 1.0  # of a child whose input has ended


def live(work: Callable[[Lines], None]) -> NoReturn:
    """Do the work and end the process; its exit code tells of an error that a line has said."""
    code = _code_of(work)
    # At once: torch takes a second to shut down, and nothing is left to be written.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _code_of(work: Callable[[Lines], None]) -> int:
    replace_what_cannot_be_said()
    stop_on_signals()
    try:
        with Redacting(), closing(_lines()) as lines:
            work(lines)
    except Stopped as stopped:
        return int(stopped.code or 0)
    except (ValueError, StoreError) as error:
        say_line(failed(error))
        return _TRAINING_FAILED if isinstance(error, TrainingFailedError) else _USER_ERROR
    return 0


def _lines() -> Generator[dict[str, Any], None, None]:
    """The parent's lines. If they end while there is work to do, this process ends too."""
    found: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    has_ended = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            found.put(json.loads(line))
        found.put(None)
        if not has_ended.wait(_SECONDS_TO_END):
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=read, daemon=True).start()
    try:
        while (line := found.get()) is not None:
            yield line
    finally:
        has_ended.set()
