"""Any span of a set's indices, read across its shards: what a conversion or a repair writes again."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from storage.errors import MismatchError, StoreError
from storage.manifest import Manifest
from storage.records import Columns
from storage.shard_record import Record
from storage.store import PairStore


class Span(NamedTuple):
    """A set's data for some consecutive indices, and where they were made."""

    columns: Columns
    dropped: dict[str, list[int]]
    environment: dict[str, Any]
    nfe: float  # of a record


@dataclass
class SpanReader:
    """Reads any span of a set, verified, across its shards; the last shard stays in memory."""

    store: PairStore
    _last: tuple[Record, Columns] | None = field(default=None, repr=False)

    def read(self, first: int, end: int) -> Span:
        """The indices first … end − 1; `StoreError` unless all are present and intact."""
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


def frozen_indices(store: PairStore, num_shards: int) -> int:
    """Indices of the first shards."""
    count = num_shards * store.shard_size
    return count if store.limit is None else min(count, store.limit)


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
    """The mean over the indices first … end − 1; 0 if a record doesn't know its own."""
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
