"""A surveyed source written as a set of pairs, shard by shard; shards that exist are not written again."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of, short
from storage.folders import Folder
from storage.importers.conversion import schema_of
from storage.importers.imported import ImportedSet, ImportOptions, Report, import_spec
from storage.importers.published import PublishedSource, blocks
from storage.importers.row_ranges import Rows, split_rows
from storage.importers.survey import Survey, surveyed
from storage.records import PairBatch, PairSchema, as_stored
from storage.store import PairStore

_SHARD_OVERHEAD = 24 * 1024  # a tar's heads, a record, ends of disk blocks


class Destination(NamedTuple):
    """Where an imported set goes, and which rows of the source form each split."""

    pairs: Folder
    name: str
    rows: Rows | None
    layout: str


def import_published(
    source: PublishedSource, to: Destination, options: ImportOptions, report: Report
) -> ImportedSet:
    """Survey all of a source, then store it as pairs with `stored` noise.

    Importing again changes nothing and continues where it stopped.
    """
    rows = split_rows(to.rows, num_pairs=source.num_pairs)
    counts = {split: last - first for split, (first, last) in rows.items()}
    total = source.num_pairs + sum(counts.values())
    survey = surveyed(source, options, lambda done, _: report(done, total))
    _require_exact(survey, options)
    spec = _spec(survey, rows, options)
    folder = to.pairs / f"{to.name}-{short(digest_of(spec))}"
    stores = {
        split: PairStore.create(folder, spec, split=split, layout=to.layout) for split in rows
    }
    missing = {split: stores[split].missing(count) for split, count in counts.items()}
    _require_space(stores, missing)
    left = sum(
        len(store.indices(shard)) for split, store in stores.items() for shard in missing[split]
    )
    for split, store in stores.items():
        for shard in missing[split]:
            _write_shard(survey, store, shard, first_row=rows[split][0])
            left -= len(store.indices(shard))
            report(total - left, total)
        store.commit(counts[split])
    advice = survey.exactness.advice(options)
    return ImportedSet(folder, any(missing.values()), counts, advice)


def _spec(survey: Survey, rows: Rows, options: ImportOptions) -> dict[str, Any]:
    source, scale = survey.source, options.noise_scale or survey.noise_scale
    identity = {
        "source_sha256": source.digest(),
        "importer": source.importer,
        "importer_version": source.version,
    }
    # Left out while nothing was rounded, as any field with its neutral value.
    rounded = sorted(survey.exactness.changed(options))
    facts: dict[str, Any] = {"rounded": rounded} if rounded else {}
    if survey.is_stated:  # numbers that tell determine the ends by themselves
        facts["noise_end"] = "first" if survey.conversion.noise_is_first else "last"
    schema = schema_of(source, options, noise_scale=scale)
    return import_spec(identity, rows, schema, **facts)


def _require_exact(survey: Survey, options: ImportOptions) -> None:
    changed = survey.exactness.changed(options)
    if changed and not options.lossy:
        name, (dtype, row) = next(iter(changed.items()))
        raise ValueError(
            f"{dtype} cannot hold {name} of {survey.source.place(row)} exactly; choose "
            f"{name}_dtype=float32, or allow the rounding with lossy=true"
        )


def _require_space(stores: Mapping[str, PairStore], missing: Mapping[str, list[int]]) -> None:
    for split, store in stores.items():
        num = len(missing[split])
        samples = num * store.shard_size * store.schema.num_bytes
        store.folder.require_space(samples + num * _SHARD_OVERHEAD, f"importing {num} shards")


def _write_shard(survey: Survey, store: PairStore, shard: int, *, first_row: int) -> None:
    index = store.indices(shard)
    dropped: dict[str, list[int]] = {}
    for position in index.tolist():
        reason = survey.invalid.get(first_row + position)
        if reason is not None:
            dropped.setdefault(reason, []).append(position)
    left_out = [position for positions in dropped.values() for position in positions]
    kept = index[~np.isin(index, left_out)]
    pairs = _read(survey, store.schema, kept, first_row)
    store.write(shard, pairs, dropped=dropped, environment={"importer": survey.source.importer})


def _read(survey: Survey, schema: PairSchema, kept: NDArray[np.int64], first_row: int) -> PairBatch:
    """The pairs of a shard in their stored types: the only copy of them, filled block by block."""
    columns = {
        name: np.empty((len(kept), *row.shape), row.dtype) for name, row in schema.row_types.items()
    }
    first, end = (int(kept[0]), int(kept[-1]) + 1) if len(kept) else (0, 0)
    for start, stop in blocks(first, end, num_values=schema.num_values):
        rows = survey.source.rows(first_row + start, first_row + stop)
        pairs = survey.conversion.pairs(rows, np.arange(start, stop))
        pairs = pairs.take(np.isin(pairs.index, kept))
        place = np.searchsorted(kept, pairs.index)
        for name in columns:
            array = getattr(pairs, name)
            columns[name][place] = as_stored(array, schema) if name == "x_0" else array
    return PairBatch(**columns)
