"""The same pairs in another layout: equal contents, so a student cannot tell, and there is a way back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from storage.audit import audit_rows
from storage.digest import unseal
from storage.errors import MismatchError, StoreError
from storage.manifest import Manifest, Record
from storage.masks import MAX_BYTES
from storage.records import Columns
from storage.store import PairStore

# What a record of a converted set adds to its environment: bits depend on which samples were computed
# side by side, so who makes a shard again must know in what shards the teacher was asked.
MADE_IN = "made_in_shards_of"


class Span(NamedTuple):
    """What a set holds of some consecutive indices, and where it was made."""

    columns: Columns
    dropped: dict[str, list[int]]
    environment: dict[str, Any]
    nfe: float  # of a record


@dataclass
class SpanReader:
    """Reads any span of a set, verified, whatever its shards; the last shard stays in memory."""

    store: PairStore
    _last: tuple[Record, Columns] | None = field(default=None, repr=False)

    def read(self, first: int, end: int) -> Span:
        """The indices first … end − 1; `StoreError` where the set does not hold them all, sound."""
        if not 0 <= first < end <= self.num_indices:
            raise StoreError(
                f"{self.store.base.url} holds {self.num_indices:,} indices, asked for {first:,} to "
                f"{end - 1:,}"
            )
        size = self.store.shard_size
        shards = [self._shard(shard) for shard in range(first // size, -(-end // size))]
        parts = [_cut(columns, first, end) for _, columns in shards]
        fields = self.store.schema.stored_fields
        records = [record for record, _ in shards]
        return Span(
            columns={name: np.concatenate([part[name] for part in parts]) for name in fields},
            dropped=_dropped(records, first, end),
            environment=_environment(records),
            nfe=_nfe(records, first, end),
        )

    @property
    def num_indices(self) -> int:
        """Indices that the largest manifest froze."""
        return frozen_indices(self.store, self._manifest.num_shards)

    @cached_property
    def _manifest(self) -> Manifest:
        return self.store.ledger.largest()

    def _shard(self, shard: int) -> tuple[Record, Columns]:
        if self._last is None or self._last[0].shard != shard:
            self._last = None  # the old one need not stay while the new one is read
            record = self.store.record(shard)
            content = self.store.ledger.manifest(max(self.store.ledger.sizes())).content_digest(
                shard
            )
            self._last = (record, self.store.columns(shard, content))
        return self._last


def convert(
    source: PairStore, layout: str, *, report: Callable[[int, int], None] = lambda done, total: None
) -> PairStore:
    """Write a split in another layout beside the one that is there; what was begun goes on.

    Raises a ValueError where its indices do not fill whole shards of the other size.
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


def frozen_indices(store: PairStore, num_shards: int) -> int:
    """Indices of the first shards."""
    count = num_shards * store.shard_size
    return count if store.limit is None else min(count, store.limit)


def made_in_shards_of(record: Record, shard_size: int) -> int:
    """The shard size that the teacher was asked in."""
    return int(record.environment.get(MADE_IN, shard_size))


def _fills_shards(target: PairStore, count: int) -> bool:
    return count % target.shard_size == 0 or count == target.limit


def _require_whole_shards(target: PairStore, count: int) -> None:
    if not _fills_shards(target, count):
        raise ValueError(
            f"{count:,} indices of '{target.split}' do not fill whole shards of {target.shard_size:,}; "
            f"choose a smaller shard, or run generate-pairs up to a multiple of {target.shard_size:,}"
        )


def _cut(columns: Columns, first: int, end: int) -> Columns:
    rows = slice(*np.searchsorted(columns["index"], [first, end]))
    return {name: column[rows] for name, column in columns.items()}


def _dropped(records: list[Record], first: int, end: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for record in records:
        for reason, rows in record.dropped.items():
            within = [index for index in rows if first <= index < end]
            if within:
                found.setdefault(reason, []).extend(within)
    return found


def _nfe(records: list[Record], first: int, end: int) -> float:
    """The mean over the indices first … end − 1; 0 where a record does not know its own."""
    nums = [min(each.last_index + 1, end) - max(each.first_index, first) for each in records]
    if not all(record.nfe for record in records):
        return 0.0
    return sum(each.nfe * num for each, num in zip(records, nums, strict=True)) / sum(nums)


def _environment(records: list[Record]) -> dict[str, Any]:
    first, *others = records
    if any(other.environment != first.environment for other in others):
        raise MismatchError(
            f"shards {first.shard} to {records[-1].shard} were made in different environments; one "
            "record cannot name two: choose a layout with smaller shards"
        )
    return dict(first.environment)


def environment_in(
    target: PairStore, environment: Mapping[str, Any], source_size: int
) -> dict[str, Any]:
    """The environment as a record of the target says it; on the way back it is as it was."""
    made_in = environment.get(MADE_IN, source_size)
    plain = {name: value for name, value in environment.items() if name != MADE_IN}
    return plain if made_in == target.shard_size else {**plain, MADE_IN: made_in}


def _copy_audit(source: PairStore, target: PairStore) -> None:
    """The reasons of `drop_at_write`, each beside the shard that its index now lies in."""
    rows: dict[int, list[Mapping[str, Any]]] = {}
    for row in audit_rows(source):
        rows.setdefault(int(row["index"]) // target.shard_size, []).append(row)
    for shard, of_shard in rows.items():
        target.write_audit(shard, of_shard)


def _copy_masks(source: PairStore, target: PairStore) -> None:
    """Equal shards have equal contents, so what a filter said of them holds here too."""
    masks = source.base / "masks"
    for name in masks.files():
        data = masks.read(name, at_most=MAX_BYTES)
        unseal(data, f"{masks.url}/{name}")  # damage is not carried on
        (target.base / "masks").create(name, data)
