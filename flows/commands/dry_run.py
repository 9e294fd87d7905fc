"""--dry-run of a stage's command: which results are there, which would be made, and what that takes."""

import typer

from flows.request import Request
from flows.stages.looked_at import Step, looked_at
from flows.stages.making_costs import Cost
from flows.table import aligned, many, num_bytes, say_document

_HEAD = ["stage", "name", "state", "what it takes"]


def dry_run(request: Request, *, as_json: bool) -> None:
    """Print a line for each stage; nothing is made or written."""
    run = request.run()
    steps = looked_at(run, until=request.until, students=request.students)
    if as_json:
        say_document({"stages": [step._asdict() for step in steps]})
        return
    typer.echo(aligned([_HEAD, *map(_cells, steps)]))
    if any(step.state == "unknown" for step in steps):
        typer.echo(
            "\nunknown: that depends on what is made above; the numbers are for making all of it"
        )
    typer.echo("\nnothing was made")


def _cells(step: Step) -> list[str]:
    return [step.stage, step.name, step.state, _words(step.cost)]


def _words(cost: Cost) -> str:
    """'2,048 pairs, 16,384 evaluations, 1.2 MB'; '' if nothing is known."""
    said = [
        many(number, unit.removesuffix("s")) for unit, number in cost.items() if unit != "bytes"
    ]
    return ", ".join([*said, *([num_bytes(cost["bytes"])] if "bytes" in cost else [])])
