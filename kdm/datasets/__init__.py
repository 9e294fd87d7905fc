"""Reference sets: what teachers learn from and students are judged against.

A set is a frozen `Options` with

- `kind`, the name by which a recipe chooses it, and `shape`, of one sample: (2,) or (c, h, w);
- `train()` and `heldout()`: arrays [n, *shape], float32 numbers or uint8 bytes of pictures, which
  networks see as x / 127.5 − 1. `has_heldout` says whether a part is kept from every teacher;
- `labels(split)`: int64 [n] in 0 … `num_classes` − 1; None if `num_classes` is None;
- `digest()`, over all that determines both splits, and `license`, which no digest covers.

`DataSet` is the type of a field that holds one, and reads `{"kind": name, **options}`. A new kind is a
file here and a name in that union.
"""

from pathlib import PurePath
from typing import Annotated, Any

from pydantic import Field

from kdm.datasets.arrays import ArraysData
from kdm.datasets.checkerboard import CheckerboardData
from kdm.datasets.digits import DigitsData
from kdm.datasets.image_folder import ImageFolderData
from kdm.datasets.image_tars import ImageTarsData

__all__ = ["DataSet", "described", "splits_of"]

DataSet = Annotated[
    CheckerboardData | DigitsData | ImageFolderData | ImageTarsData | ArraysData,
    Field(discriminator="kind"),
]


def splits_of(dataset: DataSet | None) -> tuple[str, ...]:
    """What of it is real: ('train',), or with the part that was held out; () without a data set."""
    if dataset is None:
        return ()
    return ("train", "heldout") if dataset.has_heldout else ("train",)


def described(dataset: DataSet) -> dict[str, Any]:
    """A set's options without its licence, its memory and the folder of its files."""
    options = dataset.model_dump(mode="json", exclude={"license", "in_memory_bytes"})
    paths = {key: options[key] for key in ("source", "heldout_source") if options.get(key)}
    return options | {key: PurePath(path).name for key, path in paths.items()}
