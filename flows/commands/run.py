"""`kdm run` and the commands of single stages, through Prefect or directly."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from flows.documents.standings import standings
from flows.home import home_folder
from flows.orchestration.direct import directly, refresh_directly
from flows.request import Request
from flows.stage import Run, StageResult
from flows.table import aligned, say_document
from flows.terminal import Terminal


def run(request: Request, *, flow: str, is_direct: bool, as_json: bool) -> None:
    """Run the request's stages, then print the students next to their teacher."""
    checked, results = made(request, flow=flow, is_direct=is_direct)
    if as_json:
        say_results(results)
        return
    found = standings(checked, results)
    if found is not None:
        typer.echo("\n" + aligned(found.table()) + "\n")
        if found.note:
            typer.echo(found.note + "\n")
    _tell_reports(results)


def made(request: Request, *, flow: str, is_direct: bool) -> tuple[Run, list[StageResult]]:
    """Run the request's stages; returns what they made or found."""
    checked = request.run()  # a misspelt key is reported before Prefect's server starts
    with Terminal() as terminal:
        if is_direct:
            results = directly(request, terminal)
        else:
            # Prefect takes a second to import; --direct does without it.
            from flows.orchestration.through_prefect import through_prefect

            results = through_prefect(flow, request, terminal)
    return checked, results


def say_results(results: Sequence[StageResult], more: Mapping[str, Any] | None = None) -> None:
    """What each stage made or found, as one document; evaluations with their numbers."""
    say_document({"stages": [_document(each) for each in results], **(more or {})})


def _document(result: StageResult) -> dict[str, Any]:
    told = {"stage": result.stage, "name": result.name, "folder": result.folder}
    values = {"values": result.facts["values"]} if result.stage == "evaluate" else {}
    return {**told, "state": result.state, **values}


def refresh(home: str, *, is_direct: bool, as_json: bool) -> None:
    """`kdm eval-report` without a recipe: every report of the home that is out of date."""
    # A mistyped home isn't created, and no server starts for it.
    has_reports = bool((home_folder(home) / "reports").names())
    results = _refreshed(home, is_direct=is_direct) if has_reports else []
    if as_json:
        say_results(results)
        return
    if not results:
        typer.echo(f"{home_folder(home).url} doesn't have a finished run; begin with 'kdm run'")
    _tell_reports(results)


def _refreshed(home: str, *, is_direct: bool) -> list[StageResult]:
    with Terminal() as terminal:
        if is_direct:
            return refresh_directly(home, terminal)
        from flows.orchestration.through_prefect import refresh_through_prefect

        return refresh_through_prefect(home, terminal)


def _tell_reports(results: list[StageResult]) -> None:
    for result in results:
        if result.stage == "eval-report":
            typer.echo(f"report: {result.folder}/report.html")
