"""The published checkerboard pairs: float32 [times, points, 2], one end noise, the other data."""

from pathlib import Path

import numpy as np

from storage.digest import digest_of, short
from storage.folders import Folder
from storage.importers.ends import Ends, tell_ends
from storage.importers.imported import ImportedSet, import_spec
from storage.importers.row_ranges import Rows, require_rows
from storage.importers.source_digest import file_digest
from storage.importers.trajectory_file import read_trajectory
from storage.importers.verdict import NoiseEnd
from storage.records import NoiseRule, PairBatch, PairSchema
from storage.store import DEFAULT_LAYOUT, PairStore

IMPORTER = "kdm-checkerboard"
IMPORTER_VERSION = 1


def import_checkerboard(
    source: Path,
    pairs: Folder,
    *,
    name: str,
    rows: Rows,
    layout: str = DEFAULT_LAYOUT,
    noise_end: NoiseEnd | None = None,
) -> ImportedSet:
    """Store a published file's ends as pairs with `stored` noise.

    `rows` gives each split's half-open range of points. Importing again changes nothing.
    """
    trajectory = read_trajectory(source)
    require_rows(rows, num_pairs=trajectory.shape[1])
    ends = tell_ends(trajectory[0], trajectory[-1], stated=noise_end)
    identity = {
        "source_sha256": file_digest(source),
        "importer": IMPORTER,
        "importer_version": IMPORTER_VERSION,
    }
    noise = NoiseRule(kind="stored", scale=ends.noise_scale)
    facts = {"noise_end": noise_end} if ends.is_stated else {}
    spec = import_spec(identity, rows, PairSchema(shape=(2,), noise=noise), **facts)
    folder = pairs / f"{name}-{short(digest_of(spec))}"
    was_missing = False
    for split, (first, last) in rows.items():
        store = PairStore.create(folder, spec, split=split, layout=layout)
        was_missing |= _write_split(store, ends.rows(first, last))
    counts = {split: last - first for split, (first, last) in rows.items()}
    return ImportedSet(folder, was_missing, counts)


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
