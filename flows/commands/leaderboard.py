"""`kdm leaderboard`: every student of one set, on the terminal, as a page, and as JSON for programs."""

from collections.abc import Sequence
from typing import Any

import typer

from flows.documents.leaderboard_rows import leaderboard
from flows.documents.pages import write_page
from flows.documents.student_costs import Counts
from flows.home import bare, found, home_folder
from flows.table import aligned, say_document
from kdm.report.leaderboard import (
    Leaderboard,
    cells,
    costs,
    document,
    equals,
    render_leaderboard,
    shown,
)
from kdm.report.tables import columns
from storage.digest import digest_of, seal, short, unseal
from storage.errors import DamageError
from storage.folders import Folder

_DATA, _PAGE = "leaderboard.json", "report.html"  # a page that 'kdm ls' finds
_COSTS = ["parameters", "training FLOPs", "training s", "FLOPs a sample", "ms a sample"]
_MOST_NAMES = 3
_MOST_COLUMNS = 3  # on the terminal; the page has all


def write_leaderboard(name: str, home: str, *, by: str, is_dry: bool, as_json: bool) -> None:
    """Print the table and write the page, unless it's a dry run; nothing is measured or trained."""
    pairs, place = found(home, "pairs", name), home_folder(home)
    if not pairs.exists("spec.json"):
        raise ValueError(f"{pairs.url} holds no set of pairs; see 'kdm ls'")
    folder = _folder(place, pairs)
    counts = Counts(_known_counts(folder))
    board = leaderboard(place, pairs, by, counts)
    folder.require_writable("a leaderboard")
    if not is_dry:
        write_page(folder, _PAGE, render_leaderboard(board))
        folder.replace(_DATA, seal({**document(board), "counts": counts.known}))
    if as_json:
        say_document({"page": None if is_dry else f"{folder.url}/{_PAGE}", **document(board)})
        return
    _print(board)
    typer.echo(f"\n{folder.url}/{_PAGE}{'; nothing was written' if is_dry else ''}")


def _folder(home: Folder, pairs: Folder) -> Folder:
    """reports/leaderboard-PAIRS-DIGEST, one for each set."""
    digest = digest_of({"leaderboard of": pairs.name})
    return home / "reports" / f"leaderboard-{bare(pairs.name)}-{short(digest)}"


def _known_counts(folder: Folder) -> dict[str, Any]:
    """FLOPs that were counted before."""
    if not folder.exists(_DATA):
        return {}
    try:
        return dict(unseal(folder.read(_DATA), f"{folder.url}/{_DATA}")["counts"])
    except DamageError:
        return {}


def _print(board: Leaderboard) -> None:
    if board.meanings:
        typer.echo(aligned(_rows(board)))
    else:
        typer.echo(f"no student of {board.pairs} has been measured yet")
    for note in board.notes:
        typer.echo(f"\n{note}")
    for student, command in board.unmeasured:
        typer.echo(f"\nnot measured: {student}\n  {command}")


def _rows(board: Leaderboard) -> list[list[str]]:
    """The column that rows are ordered by, then others, then costs and who can't be told apart."""
    chosen = shown(board)[:_MOST_COLUMNS]
    labels = columns({name: board.meanings[name] for name in chosen})
    heads = [f"{each.label} {each.arrow}" for each in labels]
    rows = [["", *heads, *_COSTS, "not told apart from"]]
    for standing, found_cells in cells(board):
        said = [f"{each.line}{' *' * each.is_best}" for each in found_cells[:_MOST_COLUMNS]]
        equal = _few(equals(board, standing))
        note = f" ({standing.note})" if standing.note else ""
        rows.append([standing.numbers.name + note, *said, *costs(standing.cost), equal])
    return rows


def _few(names: Sequence[str]) -> str:
    """'a, b, c and 2 more'."""
    shown = ", ".join(names[:_MOST_NAMES]) or "–"
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES} more"
