"""How much a command tells on standard error: results go to standard output, whatever the verbosity.

It is the level of Python's logging for this project's packages: ERROR is quiet, WARNING the usual, INFO and
DEBUG are what -v and -vv add. Child processes, such as trainings, tell their parent, which prints.
"""

import logging
import sys

from storage.redaction import redacted

_PACKAGES = ("flows", "kdm", "pairgen", "storage")
_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}


class _Lines(logging.Handler):
    """A line for each record, on whatever standard error is at that moment: a live line replaces it.

    A decision is printed once, although a run that continues without Prefect takes it again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """'info   flows.stages.training: teachers/fm-tiny-42d26c27dd31 holds a finished …'."""
        line = f"{record.levelname.lower():<5}  {record.name}: {record.getMessage()}"
        if record.levelno > logging.DEBUG and line in self.said:
            return
        self.said.add(line)
        sys.stderr.write(f"{redacted(line)}\n")


_HANDLER = _Lines()


def set_verbosity(steps: int) -> None:
    """-1: errors alone, 0: progress and warnings, 1: also what is decided, 2 and more: also files."""
    _HANDLER.said.clear()
    for name in _PACKAGES:
        log = logging.getLogger(name)
        log.setLevel(_LEVELS[min(steps, max(_LEVELS))])
        if steps > 0 and _HANDLER not in log.handlers:
            log.addHandler(_HANDLER)
            log.propagate = False  # Prefect gives the root handlers of its own


def is_quiet() -> bool:
    """Whether progress, notes and warnings are left out."""
    return not logging.getLogger(_PACKAGES[0]).isEnabledFor(logging.WARNING)


def warn(sentence: str) -> None:
    """Print a warning on standard error, unless the command is quiet."""
    if not is_quiet():
        sys.stderr.write(f"{sentence}\n")
