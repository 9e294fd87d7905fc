"""Runs a command as a Prefect flow; if the API is lost on the way, continues without it."""

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import import_module
from typing import Any

from flows.exit import API_LOST, stop_if_asked
from flows.home import home_folder
from flows.orchestration.direct import directly, refresh_directly
from flows.orchestration.old_runs import TAG
from flows.orchestration.prefect_settings import may_have_api
from flows.orchestration.server_of_command import (
    forget_embedded_server,
    prepare_prefect,
    start_embedded_server,
    startup_seconds,
)
from flows.orchestration.unusable_settings import UNUSABLE, why_unusable
from flows.request import Request
from flows.stage import StageResult
from flows.stages.sequence import run_stages
from flows.terminal import Terminal

Results = list[StageResult]


class _WorkBeginsError(Exception):
    """A stage has something to make, although the caller only wanted to know."""


def through_prefect(flow: str, request: Request, terminal: Terminal) -> Results:
    """Run the flow of this name; if it can't, run the stages directly."""
    parameters = {name: value for name, value in asdict(request).items() if value}
    if flow != "pipeline":
        del parameters["until"]  # the flow's name says it
    if not may_have_api(home_folder(request.home)):
        found = _found(request, terminal)
        if found is not None:
            return found
    return _flow_or(lambda: directly(request, terminal), flow, parameters, terminal)


def _found(request: Request, terminal: Terminal) -> Results | None:
    """The results if nothing is missing; None, with nothing printed, if something is.

    Starting a server takes seconds, and such a run is over before anyone could watch it there.
    """
    told: list[Callable[[], None]] = []

    def call(stage: Callable[..., StageResult], *arguments: Any) -> StageResult:
        result = stage(*arguments)
        told.append(lambda: terminal.finished(result))
        return result

    def say(sentence: str) -> None:
        told.append(lambda: terminal.say(sentence))

    def begin() -> None:
        raise _WorkBeginsError

    run = replace(request.run(), say=say, before_work=begin)
    try:
        results = run_stages(run, until=request.until, students=request.students, call=call)
    except (_WorkBeginsError, OSError):  # a task retries after a flaky disk or network
        return None
    for tell in told:
        tell()
    return results


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
