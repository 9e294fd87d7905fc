"""Compares goldens for `kdm teacher check` and `kdm student check`, each number with its error.

The error is the golden's from the same in float64; the round-off is that of float32, as networks run here.
"""

import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import typer

from flows.table import aligned, say_document
from kdm.published.golden_rounding import Compared
from storage.folders import input_file
from storage.inert.stand_ins import require_named_itself

# What was compared in a golden's file, and the names of arrays that weren't.
Comparison = tuple[Sequence[Compared], Sequence[str]]
# What numpy, zipfile and torch raise for a file that isn't a golden, or is broken.
_BROKEN = KeyError, TypeError, RuntimeError, EOFError, OSError, zipfile.BadZipFile, zlib.error


def check_goldens(
    goldens: list[str], compare: Callable[[str], Comparison], *, as_json: bool
) -> None:
    """Print the error of everything that `compare` finds; exit code 1 if one exceeds its tolerance.

    Raises a ValueError for a file that isn't a golden, or is broken.
    """
    agree, documents = True, []
    for golden in goldens:
        comparison = _compared(golden, compare)
        agree = agree and all(each.agrees for each in comparison[0])
        documents.append(_document(golden, *comparison))
        if not as_json:
            _tell(golden, *comparison)
    if as_json:
        say_document({"agrees": agree, "goldens": documents})
    if not agree:
        raise typer.Exit(1)


def _document(golden: str, compared: Sequence[Compared], left_out: Sequence[str]) -> dict[str, Any]:
    found = [{**each._asdict(), "agrees": each.agrees} for each in compared]
    for each in found:
        if not each["room"]:  # float32 wasn't compared with float64
            each.update(rounding=None, room=None)
    return {"file": golden, "compared": found, "not_compared": list(left_out)}


def _tell(golden: str, compared: Sequence[Compared], left_out: Sequence[str]) -> None:
    rows = [["", "error", "tolerance", "round-off", "tolerance", ""]]
    for each in compared:
        verdict = "agrees" if each.agrees else "DIFFERS"
        rows.append([each.name, *_numbers(each), verdict])
    num_agreeing = sum(each.agrees for each in compared)
    typer.echo(f"{golden}\n{aligned(rows, indent='  ')}")
    typer.echo(f"  {num_agreeing} of {len(compared)} agree")
    if left_out:
        typer.echo(f"  not compared: {', '.join(left_out)}")


def _numbers(each: Compared) -> list[str]:
    rounding = [f"{each.rounding:.2e}", f"{each.room:.1e}"] if each.room else ["", ""]
    return [f"{each.error:.2e}", f"{each.tolerance:.1e}", *rounding]


def _compared(golden: str, compare: Callable[[str], Comparison]) -> Comparison:
    path = input_file(golden, "a golden", "name a golden's .npz")
    with path.open("rb") as file:
        require_named_itself(file.read(512), str(path))
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} isn't a .npz file, so it isn't a golden")
    try:
        compared, left_out = compare(str(path))
    except _BROKEN as error:
        said = str(error).partition("\n")[0][:200]
        kind = type(error).__name__
        raise ValueError(f"{path} isn't a golden, or is broken ({kind}: {said})") from error
    if not compared:
        raise ValueError(f"{path} holds nothing to check: it doesn't contain outputs")
    return compared, left_out
