"""`kdm privacy test`: which planted copies the filters of a recipe find, as a table and a page."""

import shlex
import sys
from dataclasses import replace

import typer

from flows.planted_trial import Wanted, finders, said, trial
from flows.request import Request
from flows.stages.sequence import run_stages
from flows.table import aligned
from flows.terminal import Terminal


def privacy_test(
    request: Request, num_planted: int, num_pairs: int, seed: int, *, transforms: str
) -> None:
    """Make what is missing of the pairs, then of the trial; print its table."""
    with Terminal() as terminal:
        run = replace(request.run(terminal.report), say=terminal.say)
        finders(run)  # refused before the pairs are made
        *_, pairs = run_stages(run, until="generate-pairs")
        command = shlex.join(["kdm", *sys.argv[1:]])
        folder = trial(run, pairs, Wanted(num_planted, num_pairs, seed, transforms, command))
    typer.echo(f"\n{aligned(said(folder))}\n")
    typer.echo(f"page: {folder.url}/index.html")
