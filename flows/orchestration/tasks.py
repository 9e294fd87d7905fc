"""Stages as Prefect tasks.

A task here is without a cache, a stored result and parameters: its stage asks the store what is
missing, and if nothing is, the task ends in a state named `Cached`. So does the flow.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from prefect import State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import Completed, Failed, get_state_exception

from flows.orchestration.api_lost import LOST, why_lost
from flows.orchestration.run_log import WATCHER
from flows.orchestration.worse import tell_of_worse
from flows.stage import StageResult
from storage.errors import StoreError
from storage.redaction import Redacting

# The user's errors: reported in one sentence, never retried.
USER_ERRORS = (ValueError, StoreError)
# For a flaky disk or network; what a stage had already written is found and kept.
RETRIES, RETRY_SECONDS = 2, 5
# A flow's state holds what each stage made, as JSON values.
FlowState = State[list[dict[str, Any]]]
Work = Callable[[], list[StageResult]]


def as_task(stage: Callable[..., StageResult], *arguments: Any) -> StageResult:
    """Call a stage as a task; directly, with a warning, if Prefect's API is lost."""
    name = stage.__name__.replace("_", "-")
    # distill and evaluate are called once per student, their third argument.
    student = getattr(arguments[2], "name", "") if len(arguments) > 2 else ""
    (result,) = in_task(name, lambda: [stage(*arguments)], run_name=f"{name} {student}".strip())
    return result


def in_task(name: str, work: Work, *, run_name: str = "") -> list[StageResult]:
    """Do the work as a task of that name; directly, with a warning, if Prefect's API is lost."""
    # The results are passed through a variable of this call, not through Prefect.
    made: list[StageResult] = []

    @task(
        name=name,
        task_run_name=run_name or name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=RETRIES,
        retry_delay_seconds=RETRY_SECONDS,
        retry_condition_fn=_may_pass,
    )
    def thin() -> FlowState:
        try:
            with Redacting():
                made[:] = work()
        except USER_ERRORS as error:
            return Failed(message=str(error), data=error)
        return ended(made)

    watcher = WATCHER.get()
    try:
        state = thin(return_state=True)
    except LOST as error:
        watcher.warn(why_lost(error))
        made[:] = work()
    else:
        state.result()  # raises what the stage raised
        tell_of_worse(made)
    for result in made:
        watcher.finished(result)
    return made


def ended(results: Sequence[StageResult]) -> FlowState:
    """The state of a task or a flow: named `Cached` if everything was there already."""
    is_cached = all(result.is_cached for result in results)
    return Completed(
        name="Cached" if is_cached else "Completed",
        message=", ".join(result.name for result in results) or "nothing to do",
        data=[asdict(result) for result in results],
    )


def _may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(get_state_exception(state), OSError)
