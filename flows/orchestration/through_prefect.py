"""Runs a command as a Prefect flow; if the API is lost on the way, continues without it."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from typing import Any

from flows.exit import API_LOST, stop_if_asked
from flows.home import home_folder
from flows.orchestration.direct import directly, found_directly, refresh_directly
from flows.orchestration.old_runs import TAG
from flows.orchestration.prefect_settings import may_have_api
from flows.orchestration.server_of_command import (
    forget_embedded_server,
    prepare_prefect,
    start_embedded_server,
    startup_seconds,
)
from flows.orchestration.unusable_settings import UNUSABLE, require_usable_proxies, why_unusable
from flows.request import Request
from flows.stage import StageResult
from flows.terminal import Terminal

Results = list[StageResult]
_LOG = logging.getLogger(__name__)


def through_prefect(flow: str, request: Request, terminal: Terminal) -> Results:
    """Run the flow of this name; if it can't, run the stages directly."""
    parameters = {name: value for name, value in asdict(request).items() if value}
    if flow != "pipeline":
        del parameters["until"]  # the flow's name says it
    if not may_have_api(home_folder(request.home)):
        found = found_directly(request, terminal)
        if found is not None:
            _LOG.info("every result is there, so Prefect isn't started")
            return found
    return _flow_or(lambda: directly(request, terminal), flow, parameters, terminal)


def refresh_through_prefect(home: str, terminal: Terminal) -> Results:
    """Run the flow `eval-report` for a whole home."""

    return _flow_or(
        lambda: refresh_directly(home, terminal), "eval-report", {"home": home}, terminal
    )


def _flow_or(
    without: Callable[[], Results], flow: str, parameters: dict[str, Any], terminal: Terminal
) -> Results:
    home = home_folder(parameters.get("home", ""))
    terminal.waiting("starting Prefect …")
    try:
        require_usable_proxies()
        prepare_prefect(home)  # before Prefect is imported, which reads its settings
        server = start_embedded_server()  # while it starts, this process imports what it needs
        call = getattr(import_module("flows.pipeline"), flow.replace("-", "_"))
    except UNUSABLE as error:
        terminal.warn(why_unusable(error))
        return without()
    from prefect import tags

    from flows.orchestration.api_lost import LOST, why_lost
    from flows.orchestration.run_log import watched_by

    # If the API is gone, log records can't be sent; that needs no traceback.
    logging.raiseExceptions = False
    _LOG.info("Prefect's API: %s", "the configured one" if server is None else server.api)
    try:
        if server is not None:
            server.wait(startup_seconds())
        with watched_by(terminal), tags(TAG, flow):
            state = call(**parameters | {"home": home.url}, return_state=True)
    except LOST as error:
        API_LOST.set()
        stop_if_asked()
        terminal.warn(why_lost(error))
        return without()
    finally:
        if server is not None:
            forget_embedded_server()
    # A stage's error is in the state and is raised here; what the call itself raised was Prefect's.
    return [StageResult(**each) for each in state.result()]
