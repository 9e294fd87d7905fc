"""Importers of pair sets that others have published."""

from pathlib import Path
from typing import Any

from storage.did_you_mean import nearest
from storage.folders import Folder
from storage.folders.foreign_files import entries_of, is_file
from storage.importers.checkerboard import import_checkerboard, read_trajectory
from storage.importers.get import open_get
from storage.importers.imported import ImportedSet, ImportOptions, Report
from storage.importers.kdm_npz import KdmFolder
from storage.importers.per_sample import PerSampleTars
from storage.importers.published import PublishedSource
from storage.importers.rectified_flow import is_rectified_flow, open_rectified_flow
from storage.importers.row_ranges import Rows, split_rows
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

IMPORTERS = ("kdm-checkerboard", "kdm-npz", "get", "rectified-flow", "per-sample")


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
    published = _opened(importer, source, chosen)
    to = Destination(pairs, name, rows, layout)
    return import_published(published, to, chosen, report or _no_report)


def importer_of(source: Path) -> str:
    """The importer that reads a file or folder, by the names of what lies there."""
    if is_file(source) or not source.is_dir():
        return "kdm-checkerboard"
    found = entries_of(source, "give the one that holds the published files")
    folders = [source, *(Path(entry) for entry in found if entry.is_dir())]
    if any(map(is_rectified_flow, folders)):
        return "rectified-flow"
    if any(entry.name.endswith(".tar") for entry in found):
        return "per-sample"
    return "get" if {"latent", "image"} <= {folder.name for folder in folders} else "kdm-npz"


def _opened(importer: str, source: Path, options: ImportOptions) -> PublishedSource:
    if importer != "get" and options.noise_scale is not None:
        raise ValueError("noise_scale is for importer get; other files hold the noise's scale")
    if importer == "per-sample":
        return PerSampleTars.open(
            source, num_classes=options.num_classes, keep_states=options.keep_states
        )
    if options.num_classes is not None:
        raise ValueError("num_classes is for importer per-sample; other files hold one-hot labels")
    if importer == "kdm-npz":
        return KdmFolder.open(source, keep_states=options.keep_states)
    if options.keep_states:
        raise ValueError(
            "keep_states is for importers kdm-npz and per-sample; other files hold no states"
        )
    if importer == "get":
        return open_get(source)
    if importer == "rectified-flow":
        return open_rectified_flow(source)
    raise ValueError(f"no importer '{importer}'; {nearest(importer, list(IMPORTERS))}")


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
