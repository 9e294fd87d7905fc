"""Works done at the same time, in threads of this process, each of which waits for child processes."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event
from typing import TypeVar

from flows.lane import LANE, Lane, Stop

_SECONDS_TO_END = 5.0  # of lanes whose children are gone: they give up claims, and tell Prefect
_Made = TypeVar("_Made")
_Tell = Callable[[BaseException], None]


def side_by_side(
    works: Sequence[Callable[[], _Made]], num_lanes: int, *, grace_seconds: float, tell: _Tell
) -> list[_Made]:
    """The results of all works, in their order, at most `num_lanes` of them at work at a time.

    If one fails, those at work go on to their end, of which `tell` is told, and no other begins; then the
    failure of the first in order is raised. If this thread is to stop, so are the works.
    """
    asked, has_failed = Stop(), Event()

    def in_lane(number: int, work: Callable[[], _Made]) -> _Made:
        if has_failed.is_set():
            raise CancelledError
        lane = Lane(number, asked)
        LANE.set(lane)  # in a context of its own
        is_done = False
        try:
            made = work()
            is_done = True
            return made
        finally:
            lane.has_ended = True
            if not is_done:
                has_failed.set()

    lanes = ThreadPoolExecutor(num_lanes, thread_name_prefix="lane")
    begun: list[Future[_Made]] = []
    try:
        for number, work in enumerate(works, start=1):
            begun.append(lanes.submit(copy_context().run, in_lane, number, work))
        _wait(begun, tell)
        return [each.result() for each in begun]
    finally:
        lanes.shutdown(wait=False, cancel_futures=True)
        asked.ask(grace_seconds)
        wait([each for each in begun if not each.cancelled()], timeout=_SECONDS_TO_END)


def _wait(begun: Sequence[Future[_Made]], tell: _Tell) -> None:
    """Until all have ended; a failure is told while others go on."""
    ended, at_work = wait(begun, return_when=FIRST_EXCEPTION)
    failed = [error for each in begun if each in ended and (error := each.exception())]
    if failed and any(each.running() for each in at_work):
        tell(failed[0])
    wait(at_work)
