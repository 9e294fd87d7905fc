"""Importers of pair sets that others have published."""

from pathlib import Path
from typing import Any

from storage.folders import Folder
from storage.importers.checkerboard import import_checkerboard
from storage.importers.choose import IMPORTERS, importer_of, open_published
from storage.importers.imported import ImportedSet, ImportOptions, Report
from storage.importers.row_ranges import Rows, split_rows
from storage.importers.trajectory_file import read_trajectory
from storage.importers.write import Destination, import_published
from storage.options import parse
from storage.store import DEFAULT_LAYOUT

__all__ = [
    "IMPORTERS",
    "ImportOptions",
    "ImportedSet",
    "Report",
    "Rows",
    "import_pairs",
    "importer_of",
]


def import_pairs(
    importer: str,
    source: Path,
    pairs: Folder,
    *,
    name: str,
    rows: Rows | None = None,
    layout: str = DEFAULT_LAYOUT,
    report: Report | None = None,
    **options: Any,
) -> ImportedSet:
    """Store a published set as pairs with `stored` noise; options are those of `ImportOptions`.

    `rows` are half-open ranges of the source's pairs by split; without `train`, that is what the
    others leave. Nothing is written before all of the source was looked at. Importing again changes
    nothing. Raises ValueError for a source that is not as its importer says.
    """
    chosen = parse(ImportOptions, options, "import options")
    if importer == "kdm-checkerboard":
        return _checkerboard(source, Destination(pairs, name, rows, layout), chosen)
    published = open_published(importer, source, chosen)
    to = Destination(pairs, name, rows, layout)
    return import_published(published, to, chosen, report or _no_report)


def _checkerboard(source: Path, to: Destination, options: ImportOptions) -> ImportedSet:
    if options.model_copy(update={"noise_end": None}) != ImportOptions():
        raise ValueError(
            "importer kdm-checkerboard takes no option but noise_end: its points are float32"
        )
    rows = split_rows(to.rows, num_pairs=read_trajectory(source).shape[1])
    return import_checkerboard(
        source,
        to.pairs,
        name=to.name,
        rows=rows,
        layout=to.layout,
        noise_end=options.noise_end,
    )


def _no_report(_done: int, _total: int) -> None:
    """Nobody asked."""
