"""Runs a request's stages as plain calls, without Prefect: same names, same bytes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flows.home import home_folder
from flows.request import Request
from flows.stage import StageResult
from flows.stages.refresh import refresh_home, refreshing
from flows.stages.sequence import run_stages
from flows.watcher import Watcher


class _WorkBeginsError(Exception):
    """A stage has something to make, although the caller only wanted to know."""


def directly(request: Request, watcher: Watcher) -> list[StageResult]:
    """Run the stages."""
    return run_stages(
        replace(request.run(watcher.report), say=watcher.say),
        until=request.until,
        students=request.students,
        call=_calling_for(watcher),
    )


def found_directly(request: Request, watcher: Watcher) -> list[StageResult] | None:
    """The results if nothing is missing; None, with nothing printed, if something is.

    Starting a server of Prefect's takes seconds, and such a run is over before anyone could watch it there.
    """
    told: list[Callable[[], None]] = []

    def call(stage: Callable[..., StageResult], *arguments: Any) -> StageResult:
        result = stage(*arguments)
        told.append(lambda: watcher.finished(result))
        return result

    def say(sentence: str) -> None:
        told.append(lambda: watcher.say(sentence))

    def begin() -> None:
        raise _WorkBeginsError

    run = replace(request.run(), say=say, before_work=begin, at_once=1)
    try:
        results = run_stages(run, until=request.until, students=request.students, call=call)
    except (_WorkBeginsError, OSError):  # a task retries after a flaky disk or network
        return None
    for tell in told:
        tell()
    return results


def refresh_directly(home: str, watcher: Watcher) -> list[StageResult]:
    """The same for every recipe that the home knows."""
    folder = home_folder(home)
    with refreshing(folder, say=watcher.say, waits=watcher.waits):
        results = refresh_home(folder, watcher.report, warn=watcher.warn, say=watcher.say)
    for result in results:
        watcher.finished(result)
    return results


def _calling_for(watcher: Watcher) -> Callable[..., StageResult]:
    """A direct call of a stage, which reports its end to the watcher."""

    def call(stage: Callable[..., StageResult], *arguments: Any) -> StageResult:
        result = stage(*arguments)
        watcher.finished(result)
        return result

    return call
