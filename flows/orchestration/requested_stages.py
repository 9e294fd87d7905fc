"""A request's stages, one task each: the body of the flows that end with a stage."""

from dataclasses import replace

from prefect.states import Failed

from flows.orchestration.artifacts import Artifacts
from flows.orchestration.deployed import enter_folder
from flows.orchestration.flow_runs import flow_runs
from flows.orchestration.leaving import leave_in_time
from flows.orchestration.run_log import WATCHER
from flows.orchestration.tasks import USER_ERRORS, FlowState, as_task, ended
from flows.request import Request
from flows.stage import Run
from flows.stages.sequence import run_stages
from storage.redaction import Redacting


def run_as_tasks(request: Request) -> FlowState:
    """Run the request's stages, one task each; returns the flow's final state."""
    try:
        with Redacting():
            run, artifacts = _prepared(request)
            results = run_stages(run, until=request.until, students=request.students, call=as_task)
    except USER_ERRORS as error:
        return Failed(message=str(error), data=error)
    finally:
        leave_in_time()
    artifacts.finish(run, results)
    return ended(results)


def _prepared(request: Request) -> tuple[Run, Artifacts]:
    watcher = WATCHER.get()
    enter_folder()
    run = request.run()
    artifacts = Artifacts(run.recipe.name, watcher.warn)
    run = replace(run, report=artifacts.after(watcher.report), say=watcher.say)
    if request.workers is not None:
        run = replace(run, engine=flow_runs(request, request.workers))
    return run, artifacts
