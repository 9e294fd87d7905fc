"""Old flow runs on a Prefect server: this project's, ended some time ago, with their logs and artifacts.

Only the history is on the server. What runs have made is in a home, where nothing is touched.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from flows.request import STAGES

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.filters import FlowRunFilter

TAG = "kdm"  # of every flow run; another project's flow may be called `pipeline` too
FLOWS = (*STAGES, "make-shards", "pipeline")
_A_PAGE = 200  # the most that the server answers with
_A_BATCH = 50  # the most that it removes at once


@dataclass(frozen=True)
class OldRun:
    """A flow run that has ended."""

    id: UUID
    name: str
    state: str
    ended: datetime


def old_runs(client: "SyncPrefectClient", before: datetime) -> list[OldRun]:
    """Runs of this project's flows that ended before then, the oldest first."""
    return sorted(_found(client, before), key=lambda run: run.ended)


def _found(client: "SyncPrefectClient", before: datetime) -> Iterator[OldRun]:
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    flows = FlowFilter(name=FlowFilterName(any_=list(FLOWS)))
    offset, page = 0, None
    while page is None or len(page) == _A_PAGE:
        page = client.read_flow_runs(
            flow_filter=flows,
            flow_run_filter=_ended(before),
            sort=FlowRunSort.END_TIME_DESC,
            limit=_A_PAGE,
            offset=offset,
        )
        offset += _A_PAGE
        for run in page:
            if run.end_time is not None:
                yield OldRun(run.id, run.name, run.state_name or "", run.end_time)


def remove(client: "SyncPrefectClient", runs: Sequence[OldRun], before: datetime) -> Iterator[int]:
    """Remove these runs, in batches; yields how many went. One that was started again meanwhile stays."""
    for start in range(0, len(runs), _A_BATCH):
        ids = [run.id for run in runs[start : start + _A_BATCH]]
        # The server removes a run's logs, and leaves its artifacts without a run.
        artifacts = _artifacts_of(client, ids)
        gone = _remove_runs(client, _ended(before, ids))
        for artifact, run in artifacts:
            if run in gone:
                _remove_artifact(client, artifact)
        yield len(gone)


def _ended(before: datetime, ids: Sequence[UUID] | None = None) -> "FlowRunFilter":
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import TERMINAL_STATES

    return filters.FlowRunFilter(
        id=filters.FlowRunFilterId(any_=list(ids)) if ids is not None else None,
        tags=filters.FlowRunFilterTags(all_=[TAG]),
        state=filters.FlowRunFilterState(
            type=filters.FlowRunFilterStateType(any_=sorted(TERMINAL_STATES))
        ),
        end_time=filters.FlowRunFilterEndTime.model_validate({"before_": before}),
    )


def _remove_runs(client: "SyncPrefectClient", wanted: "FlowRunFilter") -> set[UUID]:
    asked = {"flow_runs": wanted.model_dump(mode="json", exclude_none=True), "limit": _A_BATCH}
    # A path that the client's own list of routes doesn't have.
    answer = client.request("POST", "/flow_runs/bulk_delete", json=asked)  # type: ignore[arg-type]
    return {UUID(each) for each in answer.json()["deleted"]}


def _artifacts_of(client: "SyncPrefectClient", ids: list[UUID]) -> list[tuple[UUID, UUID]]:
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
    from prefect.client.schemas.sorting import ArtifactSort

    of_these = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=ids))
    found: list[tuple[UUID, UUID]] = []
    while True:
        page = client.read_artifacts(
            artifact_filter=of_these, limit=_A_PAGE, offset=len(found), sort=ArtifactSort.ID_DESC
        )
        found += [(each.id, each.flow_run_id) for each in page if each.id and each.flow_run_id]
        if len(page) < _A_PAGE:
            return found


def _remove_artifact(client: "SyncPrefectClient", artifact: UUID) -> None:
    from prefect.exceptions import ObjectNotFound

    with suppress(ObjectNotFound):
        client.delete_artifact(artifact)
