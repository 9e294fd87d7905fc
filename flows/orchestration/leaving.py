"""The end of a run that a worker has started, if its server has gone.

Prefect then waits for an answer to the run's last state, and, as the interpreter ends, for some seconds with
each event that is left: more than five minutes after a small run whose server hung.
"""

import os
import threading
import time
from uuid import UUID

import httpx
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL

_RUN = "PREFECT__FLOW_RUN_ID"  # set by a worker for the process of a run
_SECONDS = 90.0
_LOOK_EVERY = 10.0


def leave_in_time(seconds: float = _SECONDS) -> None:
    """Have this process end after so long, unless the server answers: what the run makes is made.

    Only if it is a worker's process for this very run, never that of a command, or of a flow that calls this
    one. The worker tells the server of the exit code, 1, once that is back.
    """
    own = os.environ.get(_RUN)
    if own and flow_run.id and UUID(own) == UUID(flow_run.id):
        threading.Thread(target=_leave, args=(seconds,), daemon=True).start()


def _leave(seconds: float) -> None:
    time.sleep(seconds)
    while _answers():
        time.sleep(_LOOK_EVERY)
    os._exit(1)


def _answers() -> bool:
    try:
        httpx.get(f"{PREFECT_API_URL.value()}/health", timeout=5)
    except httpx.HTTPError:
        return False
    return True
