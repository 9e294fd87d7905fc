"""Runs a request's stages as plain calls, without Prefect: same names, same bytes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flows.home import home_folder
from flows.request import Request
from flows.stage import StageResult
from flows.stages.eval_report import refresh_home, refreshing
from flows.stages.sequence import run_stages
from flows.watcher import Watcher


def directly(request: Request, watcher: Watcher) -> list[StageResult]:
    """Run the stages."""
    return run_stages(
        replace(request.run(watcher.report), say=watcher.say),
        until=request.until,
        students=request.students,
        call=_calling_for(watcher),
    )


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
