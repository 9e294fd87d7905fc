"""A process that imports a thousand modules and ends: its objects aren't searched for garbage.

Of the CPU time of a process that imports torch, computes a little and ends, a fifth was that search: while
it imported, and once more when all was over.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
