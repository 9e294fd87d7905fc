"""`kdm privacy test`: which planted copies the filters of a recipe find, as a table and a page."""

import shlex
from dataclasses import replace

import typer

from flows.commands.dry_run import dry_run
from flows.commands.typed_words import typed_words
from flows.planted_trial import Wanted, finders, said, shares, trial
from flows.request import Request
from flows.stages.sequence import run_stages
from flows.table import aligned, say_document
from flows.terminal import Terminal


def dry_test(request: Request, *, as_json: bool) -> None:
    """Print which of the pairs are there; the trial itself is always small."""
    finders(request.run())
    dry_run(request, as_json=as_json)


def privacy_test(
    request: Request, num_planted: int, num_pairs: int, seed: int, *, transforms: str, as_json: bool
) -> None:
    """Make what is missing of the pairs, then of the trial; print its table."""
    with Terminal() as terminal:
        run = replace(request.run(terminal.report), say=terminal.say)
        finders(run)  # refused before the pairs are made
        *_, pairs = run_stages(run, until="generate-pairs")
        command = shlex.join(["kdm", *typed_words()])
        folder = trial(run, pairs, Wanted(num_planted, num_pairs, seed, transforms, command))
    if as_json:
        say_document({"page": f"{folder.url}/index.html", **shares(folder)})
        return
    typer.echo(f"\n{aligned(said(folder))}\n")
    typer.echo(f"page: {folder.url}/index.html")
