"""The engine of a Prefect work pool: units are runs of the deployment `make-shards/default`, on any worker.

A run costs some ten seconds before its first shard, so units last minutes. What a run has made is read from
the store; Prefect only tells that it has ended.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound, PrefectException

from flows.generation.engine import NoteInvalid, OnMessage, Starts
from flows.generation.unit import MadeUnit, Unit, Written
from flows.generation.units import Pace
from flows.generation.work import Announcement, Work
from flows.request import Request
from storage.errors import StoreError
from storage.records import INVALID_REASONS

DEPLOYMENT = "make-shards/default"
PACE = Pace(seconds_a_unit=120.0, smallest_unit=8)
_LOOK_EVERY = 2.0
_SAY_AFTER = 60.0  # seconds in which no worker has taken a run
_MOST_TRIES = 3  # of a unit whose run crashed
_LOST_AFTER = 60.0  # seconds without an answer of the API
_LOST = (httpx.HTTPError, PrefectException)


@dataclass
class _Asked:
    """A unit that a flow run is to make."""

    unit: Unit
    run: UUID
    num_tries: int = 1
    asked_at: float = field(default_factory=time.monotonic)


@dataclass
class FlowRuns:
    """At most `num_workers` flow runs at a time."""

    work: Work
    request: Request
    client: SyncPrefectClient
    num_workers: int
    takes_all: bool = False
    pace: Pace = PACE
    _answered_at: float = field(default_factory=time.monotonic)
    _has_said: bool = False

    def results(self, units: Iterable[Unit], on_message: OnMessage) -> Iterator[MadeUnit]:
        """Ask for runs, and look every two seconds which have ended."""
        left, open_ = iter(units), list[_Asked]()
        while True:
            while len(open_) < self.num_workers and (unit := next(left, None)) is not None:
                open_.append(_Asked(unit, self.ask(unit)))
            if not open_:
                return
            for asked in list(open_):
                run = self._run(asked.run)
                if run is None or run.state is None or not run.state.is_final():
                    self._say_if_late(asked, run, on_message)
                elif run.state.is_completed():
                    open_.remove(asked)
                    made = self._made(asked.unit, run.total_run_time.total_seconds())
                    on_message(len(made.written) * self.work.shard_size)
                    yield made
                else:
                    self._try_again(asked, run)
            time.sleep(_LOOK_EVERY)

    def ask(self, unit: Unit) -> UUID:
        """Have the server make a run for this unit; its id."""
        parameters: dict[str, Any] = {
            "recipe": self.request.recipe,
            "home": self.work.run.home.url,
            "device": self.request.device,
            "overrides": list(self.request.overrides),
            "split": unit.split,
            "shards": list(unit.shards),
        }
        if self.request.count is not None:
            parameters["count"] = self.request.count
        key = str(
            uuid4()
        )  # of every attempt: where an answer is lost, there is one run all the same
        while True:
            try:
                run = run_deployment(
                    DEPLOYMENT, parameters=parameters, timeout=0, idempotency_key=key
                )
            except ObjectNotFound as error:
                raise StoreError(
                    f"Prefect has no deployment {DEPLOYMENT}; make it with 'kdm deploy'"
                ) from error
            except _LOST as error:
                self._require_recent_answer(error)
                time.sleep(_LOOK_EVERY)
            else:
                assert isinstance(run, FlowRun)  # awaitable only where an event loop runs
                self._answered_at = time.monotonic()
                return run.id

    def _run(self, number: UUID) -> FlowRun | None:
        """The run as the API tells of it; None while the API doesn't answer."""
        try:
            run = self.client.read_flow_run(number)
        except _LOST as error:
            self._require_recent_answer(error)
            return None
        self._answered_at = time.monotonic()
        return run

    def _require_recent_answer(self, error: Exception) -> None:
        """A StoreError if the API has refused a request, or hasn't answered for a minute."""
        if isinstance(error, httpx.HTTPStatusError) and error.response.is_client_error:
            raise StoreError(
                f"Prefect's API refused a run of {DEPLOYMENT} ({error}); make it again with 'kdm deploy', "
                "from the version that the workers have"
            ) from error
        if time.monotonic() - self._answered_at > _LOST_AFTER:
            raise StoreError(
                f"Prefect's API hasn't answered for {_LOST_AFTER:.0f} s ({error}); shards that were "
                "written stay: run the same command again"
            ) from error

    def _say_if_late(self, asked: _Asked, run: FlowRun | None, on_message: OnMessage) -> None:
        is_waiting = run is not None and run.state is not None and run.state.is_scheduled()
        if is_waiting and not self._has_said and time.monotonic() - asked.asked_at > _SAY_AFTER:
            self._has_said = True
            pool = run.work_pool_name if run is not None else None
            on_message(
                f"no worker has taken a run of {DEPLOYMENT} for {_SAY_AFTER:.0f} s; start one with "
                f"'prefect worker start --pool {pool or 'local'}'"
            )

    def _try_again(self, asked: _Asked, run: FlowRun) -> None:
        state = run.state
        if asked.num_tries >= _MOST_TRIES:
            raise StoreError(
                f"flow run '{run.name}' of {DEPLOYMENT} ended as {state.name if state else 'nothing'} "
                f"({state.message if state else ''}), the third for the same shards; shards that were "
                "written stay: run the same command again"
            )
        asked.num_tries += 1
        asked.run, asked.asked_at = self.ask(asked.unit), time.monotonic()

    def _made(self, unit: Unit, seconds: float) -> MadeUnit:
        """What the store has of the unit now; a run that another had left nothing to do made nothing."""
        store = self.work.stores[unit.split]
        there = [shard for shard in unit.shards if store.is_there(shard)]
        written = tuple(
            Written(
                record.shard,
                record.content_digest,
                {name: rows for name, rows in record.dropped.items() if name in INVALID_REASONS},
                round(record.nfe * record.attempted),
                was_there=False,
            )
            for record in store.records(there)
        )
        return MadeUnit(unit.split, written, seconds, seconds, "workers of the pool")


def flow_runs(request: Request, num_workers: int) -> Starts:
    """The engine that hands units of this request to other flow runs."""

    @contextmanager
    def start(
        work: Work, _note_invalid: NoteInvalid, _announcement: Announcement, *, num_shards: int
    ) -> Iterator[FlowRuns]:
        with get_client(sync_client=True) as client:
            yield FlowRuns(work, request, client, min(num_workers, num_shards))

    return start
