"""`kdm run` and the commands of single stages: through Prefect, or the bare stages."""

from dataclasses import replace

import typer

from flows.commands.table import aligned
from flows.console import Terminal
from flows.request import Request, home_folder
from flows.sequence import run_stages
from flows.stages.eval_report import refresh_home, refreshing
from flows.stages.run import StageResult
from flows.standings import standings
from flows.watch import calling_for


def run(request: Request, *, flow: str, is_direct: bool) -> None:
    """Run the request's stages, then set the students beside their teacher."""
    checked = request.run()  # a misspelt key is told before Prefect's server has started
    with Terminal() as terminal:
        if is_direct:
            results = directly(request, terminal)
        else:
            # Prefect takes a second to import; --direct does without it.
            from flows.commands.through_prefect import through_prefect

            results = through_prefect(flow, request, terminal)
    found = standings(checked, results)
    if found is not None:
        typer.echo("\n" + aligned(found.table()) + "\n")
        if found.note:
            typer.echo(found.note + "\n")
    _tell_reports(results)


def refresh(home: str, *, is_direct: bool) -> None:
    """`kdm eval-report` without a recipe: whatever at the home has no current report."""
    # A home of a mistyped name is not made, and no server starts for it.
    has_reports = bool((home_folder(home) / "reports").names())
    results = _refreshed(home, is_direct=is_direct) if has_reports else []
    if not results:
        typer.echo(f"{home_folder(home).url} has no finished run; begin with 'kdm run'")
    _tell_reports(results)


def _refreshed(home: str, *, is_direct: bool) -> list[StageResult]:
    with Terminal() as terminal:
        if is_direct:
            return refresh_directly(home, terminal)
        from flows.commands.through_prefect import refresh_through_prefect

        return refresh_through_prefect(home, terminal)


def directly(request: Request, terminal: Terminal) -> list[StageResult]:
    """The bare stages."""
    return run_stages(
        replace(request.run(terminal.report), say=terminal.say),
        until=request.until,
        students=request.students,
        call=calling_for(terminal),
    )


def refresh_directly(home: str, terminal: Terminal) -> list[StageResult]:
    """The bare stages, for every recipe that the home knows."""
    folder = home_folder(home)
    with refreshing(folder, say=terminal.say, waits=terminal.waits):
        results = refresh_home(folder, terminal.report, warn=terminal.warn, say=terminal.say)
    for result in results:
        terminal.finished(result)
    return results


def _tell_reports(results: list[StageResult]) -> None:
    for result in results:
        if result.stage == "eval-report":
            typer.echo(f"report: {result.folder}/report.html")
