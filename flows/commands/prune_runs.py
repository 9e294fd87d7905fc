"""`kdm prune runs`: removes old flow runs from the Prefect server."""

from datetime import UTC, datetime, timedelta

import typer

from flows.orchestration.configured_server import configured_server
from flows.orchestration.old_runs import OldRun, old_runs, remove
from flows.table import aligned, many
from flows.terminal import counting

_SHOWN = 30


def prune_runs(older_than: timedelta, *, is_confirmed: bool, is_dry: bool) -> None:
    """List runs of this project that ended longer ago, ask, and remove them; a dry run only lists them."""
    before = datetime.now(UTC) - older_than
    with configured_server() as client:
        runs = old_runs(client, before)
        _tell(runs)
        if not runs:
            return
        if is_dry:
            typer.echo(f"{many(len(runs), 'flow run')}; nothing was removed")
            return
        if not is_confirmed:
            typer.confirm(
                f"Remove {many(len(runs), 'flow run')}, with logs and artifacts? Data stay.",
                abort=True,
            )
        gone = 0
        with counting("prune", "", "flow runs") as report:
            for number in remove(client, runs, before):
                gone += number
                report(gone, len(runs))
    typer.echo(f"removed {many(gone, 'flow run')}; homes are as they were")


def _tell(runs: list[OldRun]) -> None:
    if not runs:
        typer.echo("nothing to remove")
        return
    rows = [[run.name, run.state, f"{run.ended:%Y-%m-%d %H:%M}"] for run in runs[:_SHOWN]]
    typer.echo(aligned([["flow run", "state", "ended (UTC)"], *rows]))
    if len(runs) > _SHOWN:
        typer.echo(f"… and {len(runs) - _SHOWN:,} later ones")
