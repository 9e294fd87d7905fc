"""The published checkerboard pairs: float32 [times, points, 2], one end noise, the other data."""

import hashlib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of, short
from storage.fs import Folder
from storage.importers.ends import Ends, tell_ends
from storage.records import NoiseRule, PairBatch, PairSchema
from storage.store import DEFAULT_LAYOUT, PairStore

IMPORTER = "kdm-checkerboard"
IMPORTER_VERSION = 1
Rows = Mapping[str, tuple[int, int]]


class ImportedSet(NamedTuple):
    """A set's folder, and whether anything had to be written."""

    folder: Folder
    was_missing: bool


def import_checkerboard(
    source: Path, pairs: Folder, *, name: str, rows: Rows, layout: str = DEFAULT_LAYOUT
) -> ImportedSet:
    """Store a published file's ends as pairs with `stored` noise.

    `rows` gives each split's half-open range of points. Importing again changes nothing.
    """
    trajectory = read_trajectory(source)
    _require_rows(rows, num_points=trajectory.shape[1])
    ends = tell_ends(trajectory[0], trajectory[-1])
    spec = import_spec(_file_digest(source), rows, noise_scale=ends.noise_scale)
    folder = pairs / f"{name}-{short(digest_of(spec))}"
    was_missing = False
    for split, (first, last) in rows.items():
        store = PairStore.create(folder, spec, split=split, layout=layout)
        was_missing |= _write_split(store, ends.rows(first, last))
    return ImportedSet(folder, was_missing)


def import_spec(source_digest: str, rows: Rows, *, noise_scale: float) -> dict[str, Any]:
    """What determines an imported set (STORE.md, 'Names and digests')."""
    schema = PairSchema(shape=(2,), noise=NoiseRule(kind="stored", scale=noise_scale))
    return {
        "version": 1,
        "kind": "imported",
        "source_sha256": source_digest,
        "importer": IMPORTER,
        "importer_version": IMPORTER_VERSION,
        "rows": {split: list(ends) for split, ends in rows.items()},
        "pairs": schema.model_dump(mode="json"),
    }


def read_trajectory(source: Path) -> NDArray[np.float32]:
    """The file's array, mapped, not loaded; a ValueError where it is not [times ≥ 2, points, 2]."""
    if not source.is_file():
        raise ValueError(f"{source} is not a file; give the path of the published .npy")
    try:
        array = np.load(source, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{source} is not a readable .npy of plain numbers: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.ndim != 3:
        raise ValueError(f"{source} must be one float32 array [times, points, 2]")
    if array.shape[0] < 2 or array.shape[2] != 2:
        raise ValueError(
            f"{source} has shape {list(array.shape)}; it must be [times ≥ 2, points, 2]"
        )
    return array


def _write_split(store: PairStore, ends: Ends) -> bool:
    count = len(ends.x_0)
    missing = store.missing(count)
    for shard in missing:
        index = store.indices(shard)
        pairs = PairBatch(
            index=index,
            x_T=np.array(ends.x_T[index], np.float32),
            x_0=np.array(ends.x_0[index], np.float32),
        )
        store.write(shard, pairs, dropped={}, environment={"importer": IMPORTER})
    store.commit(count)
    return bool(missing)


def _require_rows(rows: Rows, *, num_points: int) -> None:
    for split, (first, last) in rows.items():
        if not 0 <= first < last <= num_points:
            raise ValueError(
                f"rows of '{split}' are {first}:{last}; the file has points 0:{num_points}"
            )
    ranges = sorted(rows.values())
    for (_, end), (start, _) in pairwise(ranges):
        if start < end:
            raise ValueError(f"row ranges overlap at {start}: splits must not share points")


def _file_digest(source: Path) -> str:
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
