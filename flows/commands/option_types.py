"""Types of options that several commands share.

A number is what a recipe would accept, not all that Python reads as a number.
"""

import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

import typer

from flows.commands.completions import offering
from flows.home import HOME_VARIABLE
from storage.whole_numbers import whole_number

# Without '_', spaces, 'nan' and 'inf'.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_AGE = re.compile(r"([0-9]{1,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SHOWN = 60  # characters of a value that is repeated
MOST_SAMPLES = 10**10  # as a recipe has at most
MOST_RUNS = 10**6  # of flows, at a time


def whole(least: int, most: int) -> Callable[[str | int], int]:
    """Reads a count or a seed; a usage error if it isn't one, or is too small or large."""

    def integer(value: str | int) -> int:
        number = value if isinstance(value, int) else whole_number(value)
        if number is None or not least <= number <= most:
            raise typer.BadParameter(
                f"{_short(value)} is not a whole number from {least} to {most}, in digits alone."
            )
        return number

    return integer


def number(least: float, most: float) -> Callable[[str | float], float]:
    """Reads a number that may have a fraction; a usage error if it isn't one, or is too small or large."""

    def real(value: str | float) -> float:
        found = float(value) if _NUMBER.fullmatch(str(value)) else math.nan
        if not least <= found <= most:
            raise typer.BadParameter(f"{_short(value)} is not a number from {least:g} to {most:g}.")
        return found

    return real


def age(value: str | timedelta) -> timedelta:
    """Reads '12h', '30d' or '8w'; a usage error if it isn't one, or is less than an hour."""
    if isinstance(value, timedelta):
        return value
    found = _AGE.fullmatch(value)
    if found is None or not int(found[1]):
        raise typer.BadParameter(
            f"{_short(value)} is not an age of an hour or more, as in 12h, 30d or 8w."
        )
    return int(found[1]) * _UNITS[found[2]]


Home = Annotated[
    str,
    typer.Option(
        "--home",
        envvar=HOME_VARIABLE,
        show_default=False,
        help="Where everything is stored; by default where 'kdm config' says.",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document instead (docs/commands.md, 'JSON')."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only print what would be done; change nothing.")
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        parser=whole(0, 2**64 - 1),
        metavar="N",
        help="A whole number; the same seed gives the same result.",
    ),
]
StudentName = Annotated[
    str,
    typer.Argument(
        help="Its name in 'kdm ls', or its folder.", autocompletion=offering("students")
    ),
]
PairsName = Annotated[
    str,
    typer.Argument(
        help="The set's name in 'kdm ls', or its folder.", autocompletion=offering("pairs")
    ),
]
TeacherName = Annotated[
    str,
    typer.Argument(
        help="Its name in 'kdm ls', or its folder.", autocompletion=offering("teachers")
    ),
]
Name = Annotated[str, typer.Option("--name", help="The name to give it; by default the file's.")]
License = Annotated[
    str, typer.Option("--license", help="Its licence, such as mit; by default the published one.")
]
Goldens = Annotated[list[str], typer.Argument(metavar="GOLDEN.npz…", help="Files of goldens.")]
Best = Annotated[
    bool,
    typer.Option("--best", help="Use the weights of the lowest training loss, not the last."),
]


def _short(value: object) -> str:
    return repr(str(value)[:_SHOWN])
