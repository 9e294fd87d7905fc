"""An export's files that fit in memory: written once, many at a time; correct ones stay."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from storage.folders import Folder

# Each file is flushed to the disk or sent, which is waiting: the threads wait together.
_WRITERS, _FILES_AT_ONCE = 8, 64


def put(folder: Folder, name: str, data: bytes) -> None:
    """Make a file have these bytes; one that has them is left alone."""
    if folder.create(name, data):
        return
    if folder.size(name) != len(data) or folder.read(name) != data:
        folder.replace(name, data)


def put_each(folder: Folder, num: int, file: Callable[[int], tuple[str, bytes]]) -> int:
    """`put` many small files, each by its number: its name and bytes; returns `num`."""
    with ThreadPoolExecutor(_WRITERS) as pool:
        # Few at a time, so that an error ends it before much more is tried.
        for first in range(0, num, _FILES_AT_ONCE):
            rows = range(first, min(first + _FILES_AT_ONCE, num))
            list(pool.map(lambda row: put(folder, *file(row)), rows))
    return num
