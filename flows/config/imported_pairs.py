"""Pairs that someone else published, as a recipe names them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from kdm.datasets.source import source_path
from kdm.licences import UNKNOWN, Licence
from storage.formats.layout import require_layout
from storage.importers.imported import ImportOptions
from storage.options import LastingOptions
from storage.store import DEFAULT_LAYOUT

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=64)]
Layout = Annotated[str, AfterValidator(require_layout)]


class ImportedPairs(LastingOptions):
    """Published pairs; row ranges are half-open."""

    added_later: ClassVar[Mapping[str, Any]] = {"options": {}}

    kind: Literal["imported"]
    name: Name  # of the set; its digest follows in the folder's name
    # The form of the source (docs/exchange.md).
    importer: Literal["kdm-checkerboard", "kdm-npz", "get", "rectified-flow", "per-sample"]
    source: str  # a path; a relative one is looked for here and in $KDM_DATA
    train_rows: tuple[int, int]  # first row, and the one after the last
    heldout_rows: tuple[int, int]  # the same of held-out pairs
    layout: Layout = DEFAULT_LAYOUT  # the format and the indices of a shard
    license: Licence = UNKNOWN  # as its publisher states it
    options: ImportOptions = ImportOptions()  # how numbers are stored

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of one sample; None if only the source knows it."""
        return (2,) if self.importer == "kdm-checkerboard" else None

    @property
    def train(self) -> int:
        """Indices of the training split."""
        return self.train_rows[1] - self.train_rows[0]

    @property
    def heldout(self) -> int:
        """Indices of the held-out split."""
        return self.heldout_rows[1] - self.heldout_rows[0]

    def source_path(self) -> Path:
        """The file or folder; a ValueError says which places were searched and how to name it."""
        is_right = Path.is_file if self.importer == "kdm-checkerboard" else Path.is_dir
        return source_path(self.source, option="pairs.source", is_right=is_right)
