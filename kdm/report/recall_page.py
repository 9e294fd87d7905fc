"""What filters find of planted copies, as a page and as a table in Markdown.

A page has no date, no picture and no score of a single pair: it may be shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kdm.analyze.analysis import Drawing
from kdm.report.markdown import inline
from kdm.report.tables import Cell, Row
from kdm.report.template import render


@dataclass(frozen=True)
class RecallPage:
    """All that the page says."""

    title: str
    about: tuple[str, ...]  # sentences: how many were planted, on what the thresholds rest
    columns: tuple[str, ...]  # filters, all together, the control
    mistakes: tuple[
        Row, ...
    ]  # what shouldn't be dropped: real held-out pictures, the set's own pairs
    found: tuple[Row, ...]  # a row a transform
    filters: tuple[tuple[str, str], ...]  # each with its options and threshold
    drawings: tuple[Drawing, ...]
    limits: tuple[str, ...]  # what a reader mustn't conclude
    command: str


def share_cell(count: int, of: int, interval: tuple[float, float]) -> Cell:
    """k of n as percent, with its interval."""
    if not of:
        return Cell("–")
    low, high = interval
    return Cell(f"{100 * count / of:.1f}%", f"{100 * low:.1f} … {100 * high:.1f}")


def render_recall(page: RecallPage) -> str:
    """The page as one string of HTML."""
    return render("recall.html.j2", {"page": page})


def markdown_recall(page: RecallPage) -> str:
    """The same tables as Markdown; brackets have 95 % intervals."""
    lines = [f"# {inline(page.title)}", "", *map(inline, page.about), ""]
    for head, rows in (("dropped by mistake", page.mistakes), ("planted copies found", page.found)):
        lines += [_line([head, *page.columns]), "|---|" + len(page.columns) * "---:|"]
        lines += [_line([row.name, *(cell.line for cell in row.cells)]) for row in rows]
        lines.append("")
    return "\n".join([*lines, *map(inline, page.limits)]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(inline, cells))} |"
