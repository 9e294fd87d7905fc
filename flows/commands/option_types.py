"""Numbers on the command line: what a recipe would take, and nothing that only Python reads as a number."""

import math
import re
from collections.abc import Callable

import typer

from storage.whole_numbers import whole_number

# Without '_', spaces, 'nan' and 'inf'.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_SHOWN = 60  # characters of a value that is repeated
MOST_SAMPLES = 10**10  # as a recipe has at most


def whole(least: int, most: int) -> Callable[[str | int], int]:
    """Reads a count or a seed; a usage error where it is none, or too small or large."""

    def integer(value: str | int) -> int:
        number = value if isinstance(value, int) else whole_number(value)
        if number is None or not least <= number <= most:
            raise typer.BadParameter(
                f"{_short(value)} is not a whole number from {least} to {most}, in digits alone."
            )
        return number

    return integer


def number(least: float, most: float) -> Callable[[str | float], float]:
    """Reads a number that may have a fraction; a usage error where it is none, or too small or large."""

    def real(value: str | float) -> float:
        found = float(value) if _NUMBER.fullmatch(str(value)) else math.nan
        if not least <= found <= most:
            raise typer.BadParameter(f"{_short(value)} is not a number from {least:g} to {most:g}.")
        return found

    return real


def _short(value: object) -> str:
    return repr(str(value)[:_SHOWN])
