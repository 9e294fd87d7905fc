"""Which rows of a source are which split: ranges that share no pair."""

from collections.abc import Mapping
from itertools import pairwise

Rows = Mapping[str, tuple[int, int]]  # a half-open range of the source's pairs for each split


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
    """Raise a ValueError if a split's range is empty, outside the source, or another's as well."""
    for split, (first, last) in rows.items():
        if not 0 <= first < last <= num_pairs:
            raise ValueError(
                f"rows of '{split}' are {first}:{last}; the source has pairs 0:{num_pairs}"
            )
    for (_, end), (start, _) in pairwise(sorted(rows.values())):
        if start < end:
            raise ValueError(f"row ranges overlap at {start}: splits must not share pairs")
