"""Shards made side by side, a thread for each worker, and handed over in the order of the jobs.

    jobs 0 1 2 3 … ─► workers, each at one job ─► what they made, 0 1 2 3 …, as soon as it is there

The caller writes one shard while the next ones are made. Two shards a worker are begun, waiting or
being written at any time: while writing is the quicker part no worker waits, and however many
shards there are, no more lie in memory.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from threading import Event
from typing import Generic, Protocol, Self, TypeVar

Job = TypeVar("Job", contravariant=True)
Made = TypeVar("Made", covariant=True)
Said = int | str  # so many samples more are done, or a sentence for the user
Heed = Callable[[Said], None]


class Desk:
    """Where workers say how far they are, and hear whether to go on."""

    def __init__(self) -> None:
        self.said: SimpleQueue[Said | None] = SimpleQueue()  # None: a job has ended
        self.is_closed = Event()

    def say(self, word: Said) -> None:
        """Tell the caller's thread."""
        self.said.put(word)

    def go_on(self) -> None:
        """Raise CancelledError where nobody wants the work any longer."""
        if self.is_closed.is_set():
            raise CancelledError


class Worker(Protocol[Job, Made]):
    """Makes one thing at a time; it should ask the desk often whether to go on."""

    def __call__(self, job: Job, desk: Desk) -> Made:
        """What is made of the job."""


class Production(Generic[Job, Made]):
    """Workers in threads of their own. Use it in a `with`: at its end they stop where they next ask."""

    def __init__(self, workers: Iterable[Worker[Job, Made]]) -> None:
        self._idle: SimpleQueue[Worker[Job, Made]] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        num_workers = self._idle.qsize()
        self._most_begun = 2 * num_workers
        self._threads = ThreadPoolExecutor(num_workers, "worker")
        self._desk = Desk()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self._desk.is_closed.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def made(self, jobs: Iterable[Job], heed: Heed) -> Iterator[Made]:
        """What is made of each job, in order; meanwhile `heed` hears, in this thread, what is said.

        A worker's error is raised where what it should have made would have come.
        """
        to_come = iter(jobs)
        begun = deque(map(self._begin, islice(to_come, self._most_begun)))
        while begun:
            self._wait(begun[0], heed)
            yield begun.popleft().result()
            begun.extend(map(self._begin, islice(to_come, 1)))

    def _begin(self, job: Job) -> Future[Made]:
        future = self._threads.submit(self._work, job)
        future.add_done_callback(lambda _: self._desk.said.put(None))
        return future

    def _work(self, job: Job) -> Made:
        worker = self._idle.get()
        try:
            return worker(job, self._desk)
        finally:
            self._idle.put(worker)

    def _wait(self, future: Future[Made], heed: Heed) -> None:
        while not (future.done() and self._desk.said.empty()):
            word = self._desk.said.get()
            if word is not None:
                heed(word)
