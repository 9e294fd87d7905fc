"""What refusing a hostile file may cost: a second of this process's time, and 400 MB."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS, BYTES = 1, 400_000_000


@contextmanager
def bounded() -> Iterator[None]:
    """Processor time, because the machine may be busy; memory as Python and numpy ask for it."""
    tracemalloc.start()
    begun = time.process_time()
    try:
        yield
        seconds, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds < SECONDS
    assert peak < BYTES
