"""The same pairs in another layout: equal contents for a student, and it can be undone."""

from collections.abc import Callable, Mapping
from typing import Any

from storage.care.audit import audit_rows
from storage.care.environments import environment_in
from storage.care.spans import SpanReader, frozen_indices
from storage.digest import unseal
from storage.masks import MAX_BYTES
from storage.store import PairStore


def convert(
    source: PairStore, layout: str, *, report: Callable[[int, int], None] = lambda done, total: None
) -> PairStore:
    """Write a split in another layout beside the existing one; a conversion that was stopped continues.

    Raises a ValueError if its indices don't fill whole shards of the other size.
    """
    target = PairStore.create(source.folder, source.spec, split=source.split, layout=layout)
    reader = SpanReader(source)
    _require_whole_shards(target, reader.num_indices)
    _copy_audit(source, target)
    missing = target.missing(reader.num_indices)
    for done, shard in enumerate(missing):
        report(done, len(missing))
        asked = target.indices(shard)
        span = reader.read(int(asked[0]), int(asked[-1]) + 1)
        environment = environment_in(target, span.environment, source.shard_size)
        target.write_columns(
            shard, span.columns, dropped=span.dropped, environment=environment, nfe=span.nfe
        )
    report(len(missing), len(missing))
    for count in (frozen_indices(source, size) for size in source.ledger.sizes()):
        if _fills_shards(target, count):
            target.commit(count)
    if source.shard_size == target.shard_size:
        _copy_masks(source, target)
    return target


def shards_to_write(source: PairStore, layout: str) -> list[int]:
    """The shards that `convert` would write; the same ValueError, and nothing is written."""
    target = PairStore.planned(source.folder, source.spec, split=source.split, layout=layout)
    count = SpanReader(source).num_indices
    _require_whole_shards(target, count)
    return target.missing(count)


def _fills_shards(target: PairStore, count: int) -> bool:
    return count % target.shard_size == 0 or count == target.limit


def _require_whole_shards(target: PairStore, count: int) -> None:
    if not _fills_shards(target, count):
        raise ValueError(
            f"{count:,} indices of '{target.split}' do not fill whole shards of {target.shard_size:,}; "
            f"choose a smaller shard, or run generate-pairs up to a multiple of {target.shard_size:,}"
        )


def _copy_audit(source: PairStore, target: PairStore) -> None:
    """The reasons of `drop_at_write`, each beside the shard that its index now lies in."""
    rows: dict[int, list[Mapping[str, Any]]] = {}
    for row in audit_rows(source):
        rows.setdefault(int(row["index"]) // target.shard_size, []).append(row)
    for shard, of_shard in rows.items():
        target.write_audit(shard, of_shard)


def _copy_masks(source: PairStore, target: PairStore) -> None:
    """Equal shards have equal contents, so a filter's decisions about them hold here too."""
    masks = source.base / "masks"
    for name in masks.files():
        data = masks.read(name, at_most=MAX_BYTES)
        unseal(data, f"{masks.url}/{name}")  # damage is not carried on
        (target.base / "masks").create(name, data)
