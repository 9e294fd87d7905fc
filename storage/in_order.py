"""The pool of threads: work done ahead of its use, results in the order of the work.

    items 0 1 2 3 … ─► threads, each at one item ─► results 0 1 2 3 …

At any time at most `ahead` results wait, are being made, or are queued to be made, plus the one that
the consumer holds. So memory doesn't grow with the number of items, however slow the consumer is.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    make: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int,
    ahead: int,
    wait: Callable[[Future[Result]], object] = lambda _first: None,
) -> Generator[Result, None, None]:
    """`make` of each item, in the order of the items, up to `ahead` items in advance.

    An exception in `make` is raised where its result would have come. Closing the iterator cancels
    what hasn't started and waits for what has, so that no thread outlives it.

    With `threads=0` each result is made in the caller's thread when the caller takes it. `wait` is
    called in the caller's thread before it blocks on the next result; a caller with other things to
    do meanwhile does them there, until that future is done.
    """
    if threads == 0:
        yield from map(make, items)
        return
    with ThreadPoolExecutor(threads, "in-order") as pool:
        yield from _made_ahead(pool, make, items, wait, ahead)


def _made_ahead(
    pool: ThreadPoolExecutor,
    make: Callable[[Item], Result],
    items: Iterable[Item],
    wait: Callable[[Future[Result]], object],
    ahead: int,
) -> Generator[Result, None, None]:
    pending: deque[Future[Result]] = deque()

    def first() -> Result:
        wait(pending[0])
        return pending.popleft().result()

    try:
        for item in items:
            pending.append(pool.submit(make, item))
            if len(pending) > ahead:
                yield first()
        while pending:
            yield first()
    finally:
        for future in pending:
            future.cancel()
