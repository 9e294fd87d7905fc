"""`kdm teacher check`: networks proved by numeric goldens, every array with its error."""

import zipfile
import zlib
from pathlib import Path

import typer

from flows.commands.table import aligned
from kdm.networks.golden import check_golden, tolerance, unchecked

# What a file that is no golden, or a broken one, makes numpy, zipfile and torch raise.
_BROKEN = KeyError, TypeError, RuntimeError, EOFError, OSError, zipfile.BadZipFile, zlib.error


def check(goldens: list[str]) -> None:
    """Print the relative error of every array; exit code 1 where one is past its tolerance."""
    judged = [_judged(golden) for golden in goldens]
    if not all(judged):
        raise typer.Exit(1)


def _judged(golden: str) -> bool:
    errors, left_out = _errors(golden)
    rows = [["array", "error", "tolerance", ""]]
    for name, error in errors.items():
        verdict = "agrees" if error <= tolerance(name) else "DIFFERS"
        rows.append([name, f"{error:.2e}", f"{tolerance(name):.0e}", verdict])
    typer.echo(f"{golden}\n{aligned(rows, indent='  ')}")
    if left_out:
        typer.echo(f"  not computed here: {', '.join(left_out)}")
    return all(error <= tolerance(name) for name, error in errors.items())


def _errors(golden: str) -> tuple[dict[str, float], list[str]]:
    path = Path(golden).expanduser()
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; name a golden's .npz")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no .npz, so it is no golden")
    try:
        errors, left_out = check_golden(str(path)), unchecked(str(path))
    except _BROKEN as error:
        said = str(error).partition("\n")[0][:200]
        kind = type(error).__name__
        raise ValueError(f"{path} is no golden, or a broken one ({kind}: {said})") from error
    if not errors:
        raise ValueError(f"{path} holds nothing to check: it has no outputs")
    return errors, left_out
