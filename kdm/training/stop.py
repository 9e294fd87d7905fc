"""Being asked to stop: by SIGTERM or SIGUSR1, or because the parent has died. Imports nothing heavy.

Normally the trainer asks between two steps, writes a checkpoint and leaves. But a step, a picture or a
checkpoint may take longer than the sender of SIGTERM waits, and while torch computes, no signal handler
of Python's runs. So a thread waits for the signal too: if the process hasn't left some seconds after it,
the thread ends the process, and the last checkpoint is what remains. The same thread notices that the
parent has died, and then allows more time: nobody is waiting.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

TERMINATED = 143  # the exit code of a process that left because of SIGTERM: 128 + 15
# SIGUSR1 is what Slurm's `--signal` sends some time before a job's limit, to all processes of a step.
STOPPING = frozenset({signal.SIGTERM, signal.SIGUSR1})
# After either. Ten are promised, of which a parent needs some.
SECONDS = 5.0
# After the parent's death.
ORPHAN_SECONDS = 30.0
_LOOK_EVERY = 0.5  # seconds between two looks at the parent


class StopRequest:
    """Whether this process should stop; it watches for reasons while it is entered.

    `parent` is the process whose death counts, this process's own parent by default; `seconds` and
    `orphan_seconds` are how long the process has to leave by itself. `last_words` makes the message for
    standard error if it didn't.
    """

    def __init__(
        self,
        parent: int | None = None,
        *,
        seconds: float = SECONDS,
        orphan_seconds: float = ORPHAN_SECONDS,
    ) -> None:
        self._parent = os.getppid() if parent is None else parent
        self._seconds, self._orphan_seconds = seconds, orphan_seconds
        self.last_words: Callable[[], str] = lambda: "stopped before its first step"
        self._is_signalled = False
        self._has_left = threading.Event()

    def __call__(self) -> bool:
        """Whether to write a checkpoint and leave now."""
        return self._is_signalled or self._is_orphaned()

    def __enter__(self) -> "StopRequest":
        self._before = {each: signal.signal(each, self._note) for each in STOPPING}
        reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        # Python writes each signal's number there as it comes, during any work of the main thread.
        self._fd_before = signal.set_wakeup_fd(self._writer)
        threading.Thread(target=self._wait, args=(reader,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._fd_before)
        for number, before in self._before.items():
            signal.signal(number, before)
        self._has_left.set()
        os.close(self._writer)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._is_signalled = True

    def _is_orphaned(self) -> bool:
        return os.getppid() != self._parent

    def _wait(self, reader: int) -> None:
        """Watch for SIGTERM and for the parent's death, and end the process if it doesn't leave in time."""
        with os.fdopen(reader, "rb", buffering=0) as signals:
            while not self._is_orphaned():
                if not select.select([signals], [], [], _LOOK_EVERY)[0]:
                    continue
                if not (numbers := signals.read(1)):  # the writer was closed: it has left
                    return
                if not STOPPING.isdisjoint(numbers) and not self._has_left.wait(self._seconds):
                    self._leave()
            if not self._has_left.wait(self._orphan_seconds):
                self._leave()

    def _leave(self) -> None:
        """Print the final message and end the process at once, even if its main thread works."""
        sys.stderr.write(self.last_words() + "\n")
        sys.stderr.flush()
        os._exit(TERMINATED)
