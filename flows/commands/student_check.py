"""`kdm student check`: one published training step by this project's code, against a numeric golden."""

import zipfile
import zlib
from pathlib import Path

import typer

from flows.commands.table import aligned
from kdm.students.golden import Compared, check_step, unchecked

# What a file that is no golden, or a broken one, makes numpy, zipfile and torch raise.
_BROKEN = KeyError, TypeError, RuntimeError, EOFError, OSError, zipfile.BadZipFile, zlib.error


def check(goldens: list[str]) -> None:
    """Print every loss, output and gradient norm with its error; exit code 1 where one differs."""
    judged = [_judged(golden) for golden in goldens]
    if not all(judged):
        raise typer.Exit(1)


def _judged(golden: str) -> bool:
    compared, left_out = _compared(golden)
    rows = [["", "error", "tolerance", ""]]
    for each in compared:
        verdict = "agrees" if each.agrees else "DIFFERS"
        rows.append([each.name, f"{each.error:.2e}", f"{each.tolerance:.0e}", verdict])
    num_agreeing = sum(each.agrees for each in compared)
    typer.echo(f"{golden}\n{aligned(rows, indent='  ')}")
    typer.echo(f"  {num_agreeing} of {len(compared)} agree")
    if left_out:
        typer.echo(f"  not compared: {', '.join(left_out)}")
    return num_agreeing == len(compared)


def _compared(golden: str) -> tuple[list[Compared], list[str]]:
    path = Path(golden).expanduser()
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; name a golden's .npz")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no .npz, so it is no golden")
    try:
        return check_step(str(path)), unchecked(str(path))
    except _BROKEN as error:
        said = str(error).partition("\n")[0][:200]
        kind = type(error).__name__
        raise ValueError(f"{path} is no golden, or a broken one ({kind}: {said})") from error
