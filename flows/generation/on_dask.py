"""The engine of a Dask cluster: units are tasks, on any of its workers.

Workers keep the teacher loaded from one unit to the next. They need this package in the same version, and the
home at an address that they reach. The scheduler's answers decide nothing: the store does.
"""

import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import dask
from distributed import Client, Future, LocalCluster
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from flows.generation.child_protocol import begun, made_unit
from flows.generation.dask_task import make_unit, standing
from flows.generation.engine import NoteInvalid, OnMessage, Starts
from flows.generation.unit import MadeUnit, Unit
from flows.generation.units import Pace
from flows.generation.work import Announcement, Work
from flows.json_lines import error_of
from kdm.training.child_environment import safe_path
from pairgen.cores import num_cores
from storage.errors import MismatchError, StoreError

CONNECT_SECONDS = 10.0
# A scheduler that isn't reached for so long is given up; what was written is found by the next run.
LOST_AFTER = 30.0
_LOOK_EVERY = 0.02
# A worker that has joined since the last count gets a unit within so long.
_COUNT_EVERY = 2.0
# A cluster may start workers when work comes: minutes, but not for ever.
_WORKERS_WITHIN = 600.0
_SAY_AFTER = 5.0
# glibc gives each thread an arena of its own. Dask makes units in another thread than the main one, and the
# second arena cost a worker a fifth of its memory.
_ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}
_BEFORE_START = "distributed.nanny.pre-spawn-environ"
# What Dask does by the clock, beside the work: on one machine that comes out of the workers' cores.
_SELDOM = {
    "distributed.worker.profile.enabled": False,  # a hundred times a second; nobody looks at it
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.scheduler.work-stealing": False,  # no worker has a second unit that waits
    "distributed.scheduler.active-memory-manager.start": False,  # results are some names
}


@dataclass
class OnDask:
    """A client of a cluster."""

    client: Client
    work: Work
    num_workers: int
    announcement: Announcement | None
    pace: Pace = field(default_factory=Pace)
    takes_all: bool = False
    _document: dict[str, Any] = field(init=False)
    _answered_at: float = field(default_factory=time.monotonic)
    _had_workers_at: float = field(default_factory=time.monotonic)
    _counted_at: float = -_COUNT_EVERY
    _has_said: bool = False

    def __post_init__(self) -> None:
        self._document = self.work.document()

    def results(self, units: Iterable[Unit], on_message: OnMessage) -> Iterator[MadeUnit]:
        """Keep every worker supplied, late ones too; a unit whose worker died is made by another."""
        left, waiting = iter(units), list["Future[Any]"]()
        try:
            while self._supply(waiting, left, on_message):
                ended = self._first_ended(waiting)
                if ended is not None:
                    waiting.remove(ended)
                    yield self._made(ended, on_message)
        finally:
            if self.client.status == "running":
                self.client.cancel(waiting)  # type: ignore[no-untyped-call]

    def _supply(
        self, waiting: "list[Future[Any]]", left: Iterator[Unit], on_message: OnMessage
    ) -> bool:
        """Submit units until there is one for each worker; whether any is waiting.

        One alone: Dask would queue a second at one worker while the other ends early.
        """
        self._count(on_message)
        while len(waiting) < self.num_workers:
            unit = next(left, None)
            if unit is None:
                break
            waiting.append(self._submitted(unit))
        return bool(waiting)

    def _count(self, on_message: OnMessage) -> None:
        """Count the cluster's workers; a StoreError once there has been none for too long."""
        now = time.monotonic()
        if now - self._counted_at < _COUNT_EVERY:
            return  # asking the scheduler at every shard would cost more than handing it out
        self._counted_at, num_workers = now, _num_workers(self.client)
        if num_workers:
            self.num_workers, self._had_workers_at, self._has_said = num_workers, now, False
        elif now - self._had_workers_at > _WORKERS_WITHIN:
            raise StoreError(
                f"the Dask cluster had no worker for {_WORKERS_WITHIN / 60:.0f} minutes; start "
                "some, and run the same command again"
            )
        elif now - self._had_workers_at > _SAY_AFTER and not self._has_said:
            on_message("the Dask cluster has no workers; waiting for one (Ctrl-C stops)")
            self._has_said = True

    def _submitted(self, unit: Unit) -> "Future[Any]":
        document = begun(self._document, self.announcement)
        self.announcement = None  # the first unit's worker announces the cost
        own = version("kdm-offline")
        return self.client.submit(
            make_unit, own, document, unit.split, list(unit.shards), pure=False
        )

    def _first_ended(self, waiting: "list[Future[Any]]") -> "Future[Any] | None":
        """A unit that has ended, or None after a while; a StoreError once the scheduler is lost."""
        began = time.monotonic()
        while time.monotonic() - began < _COUNT_EVERY:
            for future in waiting:
                if future.status != "pending":
                    return future
            self._require_scheduler()
            time.sleep(_LOOK_EVERY)
        return None

    def _require_scheduler(self) -> None:
        if self.client.status == "running":
            self._answered_at = time.monotonic()
        elif self.client.status == "closed" or time.monotonic() - self._answered_at > LOST_AFTER:
            raise _lost(self.client)

    def _made(self, future: "Future[Any]", on_message: OnMessage) -> MadeUnit:
        if future.status in ("cancelled", "lost"):
            raise _lost(self.client)
        if future.status == "error":
            error = future.exception()  # type: ignore[no-untyped-call]
            if isinstance(error, KilledWorker):
                raise StoreError(
                    f"Dask workers died one after the other at the same shards ({error}): often for "
                    "memory; choose a smaller --batch or larger workers"
                ) from error
            if isinstance(error, (ImportError, AttributeError)):
                raise _cannot_run(error) from error
            raise error
        answer = future.result()
        if "error" in answer:
            raise error_of(answer)
        for sentence in answer["said"]:
            on_message(sentence)
        made = made_unit(answer)
        assert made is not None  # it is that or an error
        on_message(len(made.written) * self.work.shard_size)
        return made


def on_dask(scheduler: str | None) -> Starts:
    """The engine of the cluster at this address, or of one that is started here."""

    @contextmanager
    def start(
        work: Work, _note_invalid: NoteInvalid, announcement: Announcement, *, num_shards: int
    ) -> Iterator[OnDask]:
        _silence()
        with ExitStack() as stack:
            if scheduler is None:
                cluster = stack.enter_context(_local_cluster(work, num_shards))
                client = stack.enter_context(Client(cluster))  # type: ignore[no-untyped-call]
            else:
                client = stack.enter_context(_connected(scheduler))
            _require_fit(client, work)
            num_workers = max(1, _num_workers(client))
            shared = Announcement(announcement.num_pairs, announcement.num_bytes, num_workers)
            yield OnDask(client, work, num_workers, shared)

    return start


def _silence() -> None:
    """Keep from the user what Dask logs of lost connections, with tracebacks; a sentence of ours tells it."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).disabled = True


def _local_cluster(work: Work, num_shards: int) -> LocalCluster:
    num_auto = max(1, num_cores() // work.pairs.num_threads)
    # What a cluster is given as `env` is set once Python runs, too late for all of these.
    usual = dask.config.get(_BEFORE_START)
    before_start = {**usual, **_ONE_ARENA, **safe_path(os.environ)}
    with dask.config.set({_BEFORE_START: before_start, **_SELDOM}):
        return LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=min(work.pairs.num_workers or num_auto, num_shards),
            threads_per_worker=1,
            # Without an address its port is fixed, and a second cluster warns.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=50,  # when a worker ends, we print our own sentence
        )


def _connected(scheduler: str) -> Client:
    try:
        return Client(scheduler, timeout=CONNECT_SECONDS)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise StoreError(
            f"no Dask scheduler answers at {scheduler} within {CONNECT_SECONDS:.0f} s: start one with "
            "'dask scheduler', and workers with 'dask worker ADDRESS'"
        ) from error


def _num_workers(client: Client) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


def _require_fit(client: Client, work: Work) -> None:
    """Raise a StoreError if a worker lacks this package or the home, or has another version.

    A worker that dies while it is asked is none: no unit is sent to it.
    """
    own = version("kdm-offline")
    for worker, answer in client.run(standing, work.run.home.url, on_error="return").items():
        if isinstance(answer, CommClosedError):
            continue
        if isinstance(answer, ImportError | AttributeError):
            raise _cannot_run(answer) from answer
        if isinstance(answer, Exception):
            raise answer
        if answer["version"] != own:
            raise MismatchError(
                f"the Dask worker {worker} has kdm-offline {answer['version']}, this command {own}; "
                "install the same version everywhere"
            )
        if work.run.home.exists() and not answer["sees_home"]:
            raise StoreError(
                f"the Dask worker {worker} doesn't see the home {work.run.home.url}; choose one that "
                "all machines see: a shared file system, or a bucket as s3://BUCKET/kdm"
            )


def _cannot_run(error: Exception) -> MismatchError:
    return MismatchError(
        f"a Dask worker can't run kdm-offline {version('kdm-offline')} ({error}); install that version on "
        "every worker"
    )


def _lost(client: Client) -> StoreError:
    return StoreError(
        f"the Dask scheduler {client.scheduler.address if client.scheduler else ''} is lost; shards that "
        "were written stay: run the same command again once it's back"
    )
