"""Some shards of a set as one task: the body of the flow `make-shards`."""

from collections.abc import Sequence
from dataclasses import replace

from prefect.states import Failed

from flows.orchestration.deployed import enter_folder
from flows.orchestration.leaving import leave_in_time
from flows.orchestration.run_log import WATCHER
from flows.orchestration.tasks import USER_ERRORS, FlowState, ended, in_task
from flows.request import Request
from flows.stages.make_shards import generate_shards
from flows.stages.train_teacher import train_teacher
from storage.redaction import Redacting


def make_shards_as_task(request: Request, split: str, shards: Sequence[int]) -> FlowState:
    """Make some shards of the request's pairs, in one task; returns the final state."""
    watcher = WATCHER.get()
    try:
        with Redacting():
            enter_folder()
            run = replace(request.run(), report=watcher.report, say=watcher.say)
            teacher = train_teacher(run)  # which is there, or others train it
            results = in_task("make-shards", lambda: [generate_shards(run, teacher, split, shards)])
    except USER_ERRORS as error:
        return Failed(message=str(error), data=error)
    finally:
        leave_in_time()
    return ended(results)
