"""The reports of a whole home as one task: the body of the flow `eval-report` without a recipe."""

from prefect.states import Completed, Failed

from flows.home import home_folder
from flows.orchestration.artifacts import Artifacts
from flows.orchestration.deployed import enter_folder
from flows.orchestration.leaving import leave_in_time
from flows.orchestration.run_log import WATCHER
from flows.orchestration.tasks import USER_ERRORS, FlowState, ended, in_task
from flows.stages.claim import HeldError
from flows.stages.refresh import refresh_home, refreshing
from storage.redaction import Redacting


def refresh_as_task(home: str) -> FlowState:
    """Measure every student of a home without a current report, in one task; returns the final state."""
    watcher = WATCHER.get()
    try:
        with Redacting():
            enter_folder()
            folder = home_folder(home)
            with refreshing(folder, say=watcher.say, waits=watcher.waits):
                results = in_task(
                    "eval-report",
                    lambda: refresh_home(
                        folder, watcher.report, warn=watcher.warn, say=watcher.say
                    ),
                )
        Artifacts("eval-report", watcher.warn).refreshed(results)
    except HeldError as error:
        return Completed(name="Skipped", message=str(error), data=[])
    except USER_ERRORS as error:
        return Failed(message=str(error), data=error)
    finally:
        leave_in_time()
    return ended(results)
