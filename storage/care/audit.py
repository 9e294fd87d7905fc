"""Why filters of `drop_at_write` left samples out: a document a shard, for sets that must not store one."""

from collections.abc import Iterator, Mapping
from typing import Any

from storage.digest import unseal
from storage.errors import DamageError
from storage.records import INVALID_REASONS, PURGED
from storage.shard_record import Record, record_name
from storage.store import PairStore

_MAX_BYTES = 32 * 2**20  # a row takes some 300 bytes, and a shard has 65,536 samples at most


def dropped_by_filters(record: Record) -> list[tuple[int, str]]:
    """Index and reason of what filters of `drop_at_write` left out, rising."""
    return sorted(
        (index, reason)
        for reason, rows in record.dropped.items()
        if reason not in (*INVALID_REASONS, PURGED)
        for index in rows
    )


def read_audit_rows(store: PairStore, shard: int) -> list[tuple[int, str]]:
    """Index and reason of each sample that a filter of `drop_at_write` left out of a shard."""
    name = f"audit/{record_name(shard)}"
    where = f"{store.base.url}/{name}"
    document = unseal(store.base.read(name, at_most=_MAX_BYTES), where)
    if (document.get("spec_digest"), document.get("shard")) != (store.spec_digest, shard):
        raise DamageError(f"{where} is of another set or shard; files were swapped")
    try:
        return [(int(row["index"]), str(row["reason"])) for row in document["dropped"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DamageError(f"{where} holds no rows of index and reason ({error!r})") from error


def rejected_at_write(store: PairStore, shard: int) -> dict[str, list[int]]:
    """Indices by reason that filters of `drop_at_write` left out of a shard, according to its audit."""
    found: dict[str, list[int]] = {}
    if store.spec.get("drop_at_write") and (store.base / "audit").exists(record_name(shard)):
        for index, reason in sorted(read_audit_rows(store, shard)):
            if reason not in INVALID_REASONS:
                found.setdefault(reason, []).append(index)
    return found


def audit_rows(store: PairStore) -> Iterator[Mapping[str, Any]]:
    """Every row of a split, whole."""
    audit = store.base / "audit"
    for name in audit.names():
        document = unseal(audit.read(name, at_most=_MAX_BYTES), f"{audit.url}/{name}")
        yield from document["dropped"]
