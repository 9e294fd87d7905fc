"""`python -m flows.generation.generating_child`: makes units that its parent names on standard input.

Progress, results and errors go to standard output (child_protocol.py). It ends with its input: a parent that
dies, however it does, leaves no child behind. SIGTERM ends it too; its claims are given up.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

from flows.exit import stop_on_signals
from flows.json_lines import leave, say_line
from storage.imports import many_imports
from storage.redaction import Redacting
from storage.terminal import replace_what_cannot_be_said

Lines = Iterator[dict[str, Any]]


def main() -> int:
    """Make units until none are left; the exit code."""
    replace_what_cannot_be_said()
    stop_on_signals()
    with many_imports():
        from flows.generation.child_protocol import failed
        from storage.errors import StoreError

    try:
        with Redacting():
            _make(_lines())
    except (ValueError, StoreError) as error:
        say_line(failed(error))
        return 2
    return 0


def _make(lines: Lines) -> None:
    from flows.generation.child_protocol import announced
    from flows.generation.invalid_pairs import InvalidPairs
    from flows.generation.maker import prepared_maker
    from flows.generation.unit import Unit
    from flows.generation.work import Work

    def on_message(message: int | str) -> None:
        say_line({"say": message} if isinstance(message, str) else {"did": message})

    first = next(lines)
    work = Work.read(first["work"], say=on_message)
    # The parent counts those of all children; one process alone may show that something is wrong.
    invalid = InvalidPairs(work.num_indices)
    maker = prepared_maker(
        work, invalid.note, num_workers=1, num_shards=1, announcement=announced(first)
    )
    with maker as prepared:
        for line in lines:
            unit = Unit(line["split"], line["shards"])
            say_line({"made": prepared.make(unit, on_message).document()})


def _lines() -> Lines:
    """What the parent writes. If the parent ends while a unit is being made, this process ends too."""
    found: SimpleQueue[dict[str, Any] | None] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            found.put(json.loads(line))
        found.put(None)
        if not has_all.wait(1.0):
            os.kill(os.getpid(), signal.SIGTERM)

    has_all = threading.Event()
    threading.Thread(target=read, daemon=True).start()
    while (line := found.get()) is not None:
        yield line
    has_all.set()


if __name__ == "__main__":
    leave(main())
