"""Restores the audit of one shard: why filters of `drop_at_write` left samples out."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from flows.care.sources import Sources
from storage.care.audit import audit_rows, dropped_by_filters
from storage.care.fault import Fault
from storage.care.salvage import siblings
from storage.care.wanted import Wanted
from storage.errors import DamageError, MismatchError
from storage.shard_record import Record, record_name
from storage.store import PairStore


def mend_audit(store: PairStore, fault: Fault, sources: Sources) -> str:
    """Write a shard's audit anew from another layout, or from the filters judging again.

    Raises a MismatchError, with nothing replaced, if neither gives what the record lists.
    """
    assert fault.shard is not None  # each audit is of one
    record = store.record(fault.shard)
    for rows in _candidates(store, record, sources):
        if sorted((row["index"], row["reason"]) for row in rows) == dropped_by_filters(record):
            (store.base / "audit").remove(record_name(record.shard))
            store.write_audit(record.shard, rows)
            return "restored"
    raise MismatchError(
        "filtering again drops other samples than the record lists; nothing was replaced"
    )


def _candidates(
    store: PairStore, record: Record, sources: Sources
) -> Iterator[list[Mapping[str, Any]]]:
    for other in siblings(store):
        with contextlib.suppress(DamageError, KeyError, TypeError):
            rows = list(audit_rows(other))
            yield [row for row in rows if record.first_index <= row["index"] <= record.last_index]
    yield list(sources.audit(store, Wanted(record.shard, record.content_digest, record)))
