"""The end of a command; at once where Prefect's server is gone.

Prefect sends its last events as the interpreter ends, and where nobody takes them it waits seven
seconds for each (measured: two minutes for a run of six stages).
"""

import os
import sys
from threading import Event
from typing import NoReturn

API_LOST = Event()


def leave(code: int) -> NoReturn:
    """End the process."""
    if API_LOST.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
