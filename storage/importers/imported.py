"""An imported set: the options of an import, its spec, and what import returns."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from storage.folders import Folder
from storage.importers.row_ranges import Rows
from storage.importers.verdict import NoiseEnd
from storage.options import LastingOptions
from storage.records import PairSchema

Report = Callable[[int, int], None]  # done, total


class ImportedSet(NamedTuple):
    """A set's folder, whether anything had to be written, and its indices by split."""

    folder: Folder
    was_missing: bool
    counts: Mapping[str, int] = {}
    advice: str = ""  # a smaller type that would hold the same values


class ImportOptions(LastingOptions):
    """How published numbers are stored. A smaller type that changes them needs `lossy` too."""

    added_later: ClassVar[Mapping[str, Any]] = {
        "x_0_dtype": "float32",
        "x_T_dtype": "float32",
        "keep_states": False,
        "states_dtype": "float32",
        "lossy": False,
        "noise_scale": None,
        "noise_end": None,
        "num_classes": None,
    }

    x_0_dtype: Literal["uint8", "float16", "float32"] = "float32"  # number type of samples on disk
    x_T_dtype: Literal["float16", "float32"] = "float32"  # number type of noise on disk
    keep_states: bool = False  # those between noise and data, if the source has them
    states_dtype: Literal["float16", "float32"] = "float32"  # number type of states on disk
    lossy: bool = False  # whether values may be rounded to these types
    # What unit-variance noise was multiplied by before the teacher's first step: 80 for EDM.
    noise_scale: float | None = Field(None, gt=0)
    # Which end of the source is noise, if the numbers don't tell; null: they must tell.
    noise_end: NoiseEnd | None = None
    # For labels that are whole numbers, which don't tell it; null without labels.
    num_classes: int | None = Field(None, ge=1, le=2**31)


def import_spec(
    source: Mapping[str, Any], rows: Rows, schema: PairSchema, **facts: Any
) -> dict[str, Any]:
    """What determines an imported set (docs/store.md, 'Names and digests')."""
    return {
        "version": 1,
        "kind": "imported",
        **source,
        "rows": {split: list(ends) for split, ends in rows.items()},
        "pairs": schema.model_dump(mode="json"),
        **facts,
    }
