"""Being asked to leave: SIGTERM, or a parent that has died. Imports nothing heavy."""

import os
import signal
from types import FrameType


class StopRequest:
    """Truth of 'this process should end', while it is entered; the handler only sets a flag."""

    def __init__(self, parent: int | None = None) -> None:
        self._parent = os.getppid() if parent is None else parent
        self._is_signalled = False

    def __call__(self) -> bool:
        """Whether to write a checkpoint and leave."""
        return self._is_signalled or os.getppid() != self._parent

    def __enter__(self) -> "StopRequest":
        self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._is_signalled = True
