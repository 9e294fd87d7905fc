"""A command as a flow run; where Prefect's API is lost on the way, the same without it."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from typing import Any

from flows.commands.run import directly, refresh_directly
from flows.console import Terminal
from flows.ending import API_LOST, stop_if_asked
from flows.prefect_settings import (
    UNUSABLE,
    forget_embedded_server,
    prepare_prefect,
    start_embedded_server,
    startup_seconds,
    why_unusable,
)
from flows.request import Request, home_folder
from flows.stages.run import StageResult

Results = list[StageResult]


def through_prefect(flow: str, request: Request, terminal: Terminal) -> Results:
    """Run the flow of this name; the bare stages go on where it cannot."""
    parameters = {name: value for name, value in asdict(request).items() if value}
    if flow != "pipeline":
        del parameters["until"]  # the flow's name says it
    return _flow_or(lambda: directly(request, terminal), flow, parameters, terminal)


def refresh_through_prefect(home: str, terminal: Terminal) -> Results:
    """Run the flow `eval-report` over a whole home."""

    return _flow_or(
        lambda: refresh_directly(home, terminal), "eval-report", {"home": home}, terminal
    )


def _flow_or(
    without: Callable[[], Results], flow: str, parameters: dict[str, Any], terminal: Terminal
) -> Results:
    home = home_folder(parameters.get("home", ""))
    terminal.waiting("starting Prefect …")
    module = flow.replace("-", "_")
    try:
        prepare_prefect(home)  # before Prefect is imported, which reads its settings
        server = start_embedded_server()  # while it starts, this process imports what it needs
        call = getattr(import_module(f"flows.{module}"), module)
    except UNUSABLE as error:
        terminal.warn(why_unusable(error))
        return without()
    from flows.lost import LOST, why_lost
    from flows.tasks import watched_by

    # Where the API is gone, log records cannot be sent; that is no fault to print a trace of.
    logging.raiseExceptions = False
    try:
        if server is not None:
            server.wait(startup_seconds())
        with watched_by(terminal):
            state = call(**parameters | {"home": home.url}, return_state=True)
    except LOST as error:
        API_LOST.set()
        stop_if_asked()
        terminal.warn(why_lost(error))
        return without()
    finally:
        if server is not None:
            forget_embedded_server()
    # A stage's error stands in the state and is raised here; what the call raised was Prefect's.
    return [StageResult(**each) for each in state.result()]
