"""How a process of this project begins: whatever it prints can be printed, and its imports are quick.

Of the CPU time of a process that imports torch, computes a little and ends, a fifth was the search for
garbage among a thousand imported modules: while it imported, and once more when all was over.
"""

import atexit
import gc
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def replace_what_cannot_be_said() -> None:
    """From now on '?' replaces characters that the output can't encode, as '…' in ISO-8859-1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def many_imports() -> Iterator[None]:
    """Within it the collector doesn't run; what exists at its end is never searched."""
    gc.disable()
    end_without_search()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def end_without_search() -> None:
    """As the interpreter ends, all memory goes with it; garbage need not be found first."""
    atexit.register(gc.freeze)
