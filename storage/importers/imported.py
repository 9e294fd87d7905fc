"""An imported set: which rows of the source are which split, and what import gives back."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from storage.fs import Folder
from storage.importers.ends import NoiseEnd
from storage.options import LastingOptions
from storage.records import PairSchema

Rows = Mapping[str, tuple[int, int]]  # a half-open range of the source's pairs for each split
Report = Callable[[int, int], None]  # done, total


class ImportedSet(NamedTuple):
    """A set's folder, whether anything had to be written, and its indices by split."""

    folder: Folder
    was_missing: bool
    counts: Mapping[str, int] = {}
    advice: str = ""  # a smaller type that would hold the same values


class ImportOptions(LastingOptions):
    """How published numbers are stored. A smaller type that changes them has to be asked for twice."""

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

    x_0_dtype: Literal["uint8", "float16", "float32"] = "float32"
    x_T_dtype: Literal["float16", "float32"] = "float32"
    keep_states: bool = False  # those between noise and data, where the source has them
    states_dtype: Literal["float16", "float32"] = "float32"
    lossy: bool = False  # whether values may be rounded to these types
    # What unit-variance noise was multiplied by before the teacher's first step: 80 for EDM.
    noise_scale: float | None = Field(None, gt=0)
    # Which end of the source is noise, where the numbers do not tell; null: they must tell.
    noise_end: NoiseEnd | None = None
    # Of labels that are whole numbers, which do not say it; null where there are none.
    num_classes: int | None = Field(None, ge=1, le=2**31)


def split_rows(rows: Rows | None, *, num_pairs: int) -> dict[str, tuple[int, int]]:
    """Each split's rows; without `train` it is what the others leave, which must be in one piece."""
    given = dict(rows or {})
    if "train" not in given:
        taken = sorted(given.values())
        first, end = 0, num_pairs
        for start, stop in taken:
            first, end = (stop, end) if start == first else (first, min(end, start))
        given = {"train": (first, end), **given}
        if sum(stop - start for start, stop in given.values()) != num_pairs:
            raise ValueError(
                f"the rows {taken} do not leave one piece of 0:{num_pairs} for 'train'; put them "
                "at the beginning or the end, or give rows for 'train' too"
            )
    require_rows(given, num_pairs=num_pairs)
    return given


def require_rows(rows: Rows, *, num_pairs: int) -> None:
    """Raise a ValueError where a split's range is empty, outside the source, or another's as well."""
    for split, (first, last) in rows.items():
        if not 0 <= first < last <= num_pairs:
            raise ValueError(
                f"rows of '{split}' are {first}:{last}; the source has pairs 0:{num_pairs}"
            )
    for (_, end), (start, _) in pairwise(sorted(rows.values())):
        if start < end:
            raise ValueError(f"row ranges overlap at {start}: splits must not share pairs")


def import_spec(
    source: Mapping[str, Any], rows: Rows, schema: PairSchema, **facts: Any
) -> dict[str, Any]:
    """What determines an imported set (STORE.md, 'Names and digests')."""
    return {
        "version": 1,
        "kind": "imported",
        **source,
        "rows": {split: list(ends) for split, ends in rows.items()},
        "pairs": schema.model_dump(mode="json"),
        **facts,
    }
