"""Which importer reads a source, and the source as that one opens it."""

from pathlib import Path

from storage.did_you_mean import nearest
from storage.folders.foreign_files import entries_of, is_file
from storage.importers.get import open_get
from storage.importers.imported import ImportOptions
from storage.importers.kdm_npz import KdmFolder
from storage.importers.per_sample import PerSampleTars
from storage.importers.published import PublishedSource
from storage.importers.rectified_flow import is_rectified_flow, open_rectified_flow

IMPORTERS = ("kdm-checkerboard", "kdm-npz", "get", "rectified-flow", "per-sample")


def importer_of(source: Path) -> str:
    """The importer that reads a file or folder, by the names of the files there."""
    if is_file(source) or not source.is_dir():
        return "kdm-checkerboard"
    found = entries_of(source, "give the one that holds the published files")
    folders = [source, *(Path(entry) for entry in found if entry.is_dir())]
    if any(map(is_rectified_flow, folders)):
        return "rectified-flow"
    if any(entry.name.endswith(".tar") for entry in found):
        return "per-sample"
    return "get" if {"latent", "image"} <= {folder.name for folder in folders} else "kdm-npz"


def open_published(importer: str, source: Path, options: ImportOptions) -> PublishedSource:
    """The source that an importer by name reads; a ValueError for options that aren't its own."""
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
