"""What a purge would remove: the pairs that a filter's decision dropped, in every layout that holds them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from storage.digest import short
from storage.errors import DamageError, StoreError
from storage.mask_documents import decisions_of
from storage.masks import Mask, judged, read_audit, read_decision_summary, read_keep
from storage.purges import BLOCK, Row
from storage.shard_record import VERSION
from storage.store import PairStore


class Plan(NamedTuple):
    """All that a purge by one decision removes; without rows there is nothing to do."""

    mask: Mask
    rule: Mapping[str, Any]  # what the decision rests on: filter, threshold, false-positive rate
    rows: Mapping[str, Sequence[Row]]  # by split, rising by index
    stored: Mapping[str, int]  # pairs that are stored now, by split
    shards: Mapping[str, Sequence[int]]  # those that hold a row, by SPLIT/LAYOUT
    num_bytes: int  # of these shards, which are written again

    @property
    def num_rows(self) -> int:
        """Pairs to remove, each counted once however many layouts hold it."""
        return sum(map(len, self.rows.values()))

    def document(self, number: int, spec_digest: str) -> dict[str, Any]:
        """The journal, which stays as the tombstone of the whole purge."""
        return {
            "version": VERSION,
            "number": number,
            "spec_digest": spec_digest,
            **self.mask.model_dump(),
            "rule": dict(self.rule),
            "splits": {
                split: {
                    "stored": self.stored[split],
                    "purged": len(rows),
                    "blocks": sorted({row["index"] // BLOCK for row in rows}),
                }
                for split, rows in self.rows.items()
            },
            "shards": {place: list(shards) for place, shards in self.shards.items()},
            "created_at": datetime.now(UTC).isoformat(),
        }


def plan_purge(stores: Sequence[PairStore], mask: Mask) -> Plan:
    """What this decision dropped of a set with these splits and layouts.

    Raises a StoreError if a shard isn't judged: nothing stays because nobody looked at it.
    """
    judging = [store for store in stores if mask in decisions_of(store.base / "masks")]
    rows: dict[str, dict[int, Row]] = {}
    stored: dict[str, int] = {}
    for store in judging:
        kept, of_place = _dropped_rows(store, mask)
        rows[store.split] = _merged(rows.get(store.split, {}), of_place)
        stored.setdefault(store.split, kept)
    shards = {store.place: _shards(store, rows.get(store.split, {})) for store in stores}
    summary = read_decision_summary(judging[0].base / "masks", mask)
    return Plan(
        mask=mask,
        rule={name: value for name, value in summary.items() if name not in Mask.model_fields},
        rows={split: [each[i] for i in sorted(each)] for split, each in rows.items() if each},
        stored=stored,
        shards={place: numbers for place, numbers in shards.items() if numbers},
        num_bytes=sum(r.num_bytes for store in stores for r in store.records(shards[store.place])),
    )


def _dropped_rows(store: PairStore, mask: Mask) -> tuple[int, dict[int, Row]]:
    """How many pairs one layout stores, and the rows that a decision drops of them, by index."""
    masks, kept = store.base / "masks", 0
    there = {each: judged(masks, each) for each in decisions_of(masks)}
    rows: dict[int, Row] = {}
    for record in store.records(store.ledger.recorded()):
        content, index = record.content_digest, np.array(record.kept_indices(), np.int64)
        if content not in there[mask]:
            raise StoreError(
                f"shard {record.shard} of {store.base.url} isn't judged by {short(mask.decision)}; run "
                "filter-pairs on the whole set first: nothing was purged"
            )
        kept += record.kept
        dropped = {
            each.decision: set(
                index[~read_keep(masks, each, content, num_rows=len(index))].tolist()
            )
            for each, contents in there.items()
            if content in contents
        }
        audit = {int(row["index"]): row for row in read_audit(masks, mask, content)}
        if audit.keys() != dropped[mask.decision]:
            raise DamageError(
                f"decision and audit of shard {record.shard} in {masks.url} name different pairs; "
                "run 'kdm pairs repair', then filter-pairs"
            )
        rows |= {
            index: {**row, "also": _also(index, dropped, mask)} for index, row in audit.items()
        }
    return kept, rows


def _also(index: int, dropped: Mapping[str, set[int]], mask: Mask) -> list[str]:
    """The other decisions that drop a pair."""
    others = dropped.keys() - {mask.decision}
    return sorted(decision for decision in others if index in dropped[decision])


def _merged(first: Mapping[int, Row], second: Mapping[int, Row]) -> dict[int, Row]:
    """The rows of two layouts of a split: what other decisions say is joined."""
    merged = {**second, **first}
    for index in first.keys() & second.keys():
        also = sorted({*first[index]["also"], *second[index]["also"]})
        merged[index] = {**first[index], "also": also}
    return merged


def _shards(store: PairStore, rows: Iterable[int]) -> list[int]:
    """The shards of a layout that hold one of these indices, rising."""
    recorded = set(store.ledger.recorded())
    wanted: dict[int, set[int]] = {}
    for index in rows:
        wanted.setdefault(index // store.shard_size, set()).add(index)
    numbers = sorted(recorded & wanted.keys())
    return [
        record.shard
        for record in store.records(numbers)
        if not wanted[record.shard].isdisjoint(record.kept_indices())
    ]
