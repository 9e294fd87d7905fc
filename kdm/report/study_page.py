"""A study's page, and its table as Markdown and as CSV: points, their teacher and the paper's numbers.

A page has no date: equal numbers give an equal page.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kdm.analyze.analysis import Drawing
from kdm.metrics.metric import Meaning
from kdm.report.content import Numbers
from kdm.report.markdown import inline
from kdm.report.tables import Row, SampleCounts, columns, rows
from kdm.report.template import render


@dataclass(frozen=True)
class PaperNumbers:
    """What the paper prints, by row; a row that has a point's name stands beside it."""

    source: str
    data: str
    columns: tuple[str, ...]
    rows: Mapping[str, Sequence[float | None]]

    def beside(self, name: str) -> tuple[str, ...]:
        """The printed numbers of one row, '' where there is none."""
        row = self.rows.get(name, [None] * len(self.columns))
        return tuple("" if value is None else f"{value:g}" for value in row)


@dataclass(frozen=True)
class StudyPage:
    """All that a study's page says; `references` are the teacher, then other samples."""

    title: str
    about: str
    data: str
    seeds: tuple[int, ...]
    students: tuple[Numbers, ...]  # a row a point, over its seeds
    references: tuple[Numbers, ...]
    meanings: Mapping[str, Meaning]
    counts: SampleCounts
    changes: Mapping[str, Mapping[str, str]]  # by point, what sets it apart
    drawings: tuple[Drawing, ...]
    command: str
    paper: PaperNumbers | None = None
    notes: tuple[str, ...] = ()

    def table(self) -> tuple[Row, ...]:
        """The rows of numbers; the best of a column and its equals are marked."""
        return rows(self.students, self.references, meanings=self.meanings, counts=self.counts)


def render_study(page: StudyPage) -> str:
    """The page as one string of HTML."""
    names = {row.name for row in page.table()}
    paper = page.paper
    alone = [] if paper is None else [name for name in paper.rows if name not in names]
    fields = {
        "page": page,
        "columns": columns(page.meanings),
        "rows": page.table(),
        "alone": alone,
        "has_errors": any(cell.note.startswith("±") for row in page.table() for cell in row.cells),
    }
    return render("study.html.j2", fields)


def markdown_table(page: StudyPage) -> str:
    """The same table as Markdown; brackets have 95 % intervals."""
    paper = page.paper
    heads = ["", *(meaning.label for meaning in page.meanings.values())]
    if paper is not None:
        heads += [f"{name} ({paper.source})" for name in paper.columns]
    lines = [_line(heads), "|---|" + (len(heads) - 1) * "---:|"]
    table = page.table()
    for row in table:
        cells = [
            row.name,
            *(f"**{cell.line}**" if cell.is_best else cell.line for cell in row.cells),
        ]
        lines.append(_line([*cells, *(paper.beside(row.name) if paper else ())], is_marked=True))
    for name in _alone(page, {row.name for row in table}):
        assert paper is not None
        lines.append(_line([name, *[""] * len(page.meanings), *paper.beside(name)]))
    return "\n".join([f"# {inline(page.title)}", "", *lines, "", _note(page)]) + "\n"


def csv_table(page: StudyPage) -> str:
    """A line for each point, number and seed, and one for its mean with its interval."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["point", "number", "seed", "value", "low", "high"])
    for row in (*page.references, *page.students):
        for name in page.meanings:
            if name not in row.values:
                continue
            low, high = row.intervals.get(name, ("", ""))
            for seed, value in zip(page.seeds, row.by_seed.get(name, ()), strict=False):
                writer.writerow([row.name, name, seed, repr(value), "", ""])
            writer.writerow([row.name, name, "", repr(float(row.values[name])), low, high])
    writer.writerows(_printed_rows(page.paper) if page.paper is not None else ())
    return file.getvalue()


def _printed_rows(paper: PaperNumbers) -> list[list[object]]:
    """Lines of a CSV with what the paper prints, cells that it leaves empty left out."""
    return [
        [name, f"{column} ({paper.source})", "", printed, "", ""]
        for name, values in paper.rows.items()
        for column, printed in zip(paper.columns, values, strict=True)
        if printed is not None
    ]


def _alone(page: StudyPage, names: set[str]) -> list[str]:
    return [] if page.paper is None else [name for name in page.paper.rows if name not in names]


def _line(cells: Sequence[str], *, is_marked: bool = False) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells] if is_marked else [*map(inline, cells)]
    return f"| {' | '.join(escaped)} |"


def _note(page: StudyPage) -> str:
    seeds = f"Means over seeds {', '.join(map(str, page.seeds))} with Student's 95 % interval."
    told = seeds if len(page.seeds) > 1 else "One seed; intervals are over samples."
    if page.paper is None:
        return told
    of = f"{page.paper.source} is of {page.paper.data}"
    return f"{told} {of}: other data, so compare the order, not values."
