"""Shards made side by side, one thread per worker, and handed over in the order of the jobs.

    jobs 0 1 2 3 … ─► workers, each at one job ─► results 0 1 2 3 …, as soon as each is there
                             └── messages ─► the caller's thread

The threads and the order are `storage.in_order`'s. What this adds: each worker has its own state (a
device, a batch size), workers report progress to the caller's thread, and they learn when nobody
needs their work any longer.

The caller writes one shard while the next ones are made. Two shards per worker are queued, in the
making, waiting or being written at any time: a worker never idles while writing is the faster part, and
memory doesn't grow with the number of shards.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from queue import SimpleQueue
from threading import Event
from typing import Generic, Protocol, Self, TypeVar

from storage.in_order import in_order

Job = TypeVar("Job", contravariant=True)
Made = TypeVar("Made", covariant=True)
Message = int | str  # so many more samples are done, or a sentence for the user
OnMessage = Callable[[Message], None]


class Channel:
    """Messages from workers to the caller's thread, and cancellation the other way."""

    def __init__(self) -> None:
        self._messages: SimpleQueue[Message | None] = SimpleQueue()  # None only wakes the reader
        self._is_closed = Event()

    def send(self, message: Message) -> None:
        """Called by workers."""
        self._messages.put(message)

    def require_open(self) -> None:
        """Called by workers, often: raises CancelledError once the work is no longer wanted."""
        if self._is_closed.is_set():
            raise CancelledError

    def close(self) -> None:
        """Nobody wants the work any longer."""
        self._is_closed.set()

    def forward(self, future: Future[Made], on_message: OnMessage) -> None:
        """Pass messages to `on_message` until the future is done and all sent before are passed on."""
        future.add_done_callback(lambda _done: self._messages.put(None))
        while not (future.done() and self._messages.empty()):
            message = self._messages.get()
            if message is not None:
                on_message(message)


class Work(Protocol[Job, Made]):
    """A worker: makes one thing at a time, and asks often whether the channel is still open."""

    def __call__(self, job: Job, channel: Channel) -> Made:
        """The result of the job."""


class OrderedPool(Generic[Job, Made]):
    """Workers in threads. Use it in a `with`: at its end they stop at their next `require_open`."""

    def __init__(self, workers: Iterable[Work[Job, Made]]) -> None:
        self._idle: SimpleQueue[Work[Job, Made]] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        self._num_workers = self._idle.qsize()
        self._channel = Channel()
        self._open: list[Generator[Made, None, None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self._channel.close()
        for results in self._open:
            results.close()

    def results(self, jobs: Iterable[Job], on_message: OnMessage) -> Iterator[Made]:
        """The result of each job, in the order of the jobs.

        `on_message` is called in this thread, while it waits. A worker's error is raised instead of
        its result.
        """
        found = in_order(
            self._work,
            jobs,
            threads=self._num_workers,
            ahead=2 * self._num_workers - 1,  # and the one that the caller holds
            wait=lambda first: self._channel.forward(first, on_message),
        )
        self._open.append(found)
        return found

    def _work(self, job: Job) -> Made:
        worker = self._idle.get()
        try:
            return worker(job, self._channel)
        finally:
            self._idle.put(worker)
