"""Reference sets: what teachers learn from and students are judged against.

A set is a frozen `Options` with a `kind`, a `shape`, a `license` (in no digest), `num_classes` (None:
without labels), `has_heldout`, `train()`, `heldout()`, `labels(split)` and a `digest()`. Samples are
numbers, or bytes of pictures (uint8). `DataSet` is the type of a field that holds one, and reads
`{"kind": name, **options}`.
"""

from pathlib import PurePath
from typing import Annotated, Any

from pydantic import Field

from kdm.datasets.arrays import ArraysData
from kdm.datasets.checkerboard import CheckerboardData
from kdm.datasets.digits import DigitsData
from kdm.datasets.image_folder import ImageFolderData
from kdm.datasets.image_tars import ImageTarsData

__all__ = ["DataSet", "described"]

DataSet = Annotated[
    CheckerboardData | DigitsData | ImageFolderData | ImageTarsData | ArraysData,
    Field(discriminator="kind"),
]


def described(dataset: DataSet) -> dict[str, Any]:
    """A set's options without its licence, its memory and the folder that its files lie in."""
    options = dataset.model_dump(mode="json", exclude={"license", "in_memory_bytes"})
    paths = {key: options[key] for key in ("source", "heldout_source") if options.get(key)}
    return options | {key: PurePath(path).name for key, path in paths.items()}
