"""How a damaged shard is put back: checked against what was frozen first, or not at all."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from storage.care.fault import Fault
from storage.care.wanted import Wanted
from storage.digest import short
from storage.errors import DamageError, MismatchError
from storage.records import Columns, content_digest
from storage.shard_record import record_name
from storage.store import PairStore


class Remade(NamedTuple):
    """A shard's columns, and what its record says of them."""

    columns: Columns
    dropped: Mapping[str, Sequence[int]]
    environment: Mapping[str, Any]
    origin: str  # in words


def put_back(store: PairStore, wanted: Wanted, remade: Remade) -> None:
    """Write a shard, and its record if that was damaged; without what was purged.

    Raises MismatchError, and changes nothing, if it isn't what was frozen or recorded.
    """
    remade = without_purged(store, wanted.shard, remade)
    found = content_digest(remade.columns)
    if wanted.content not in (None, found):
        raise MismatchError(
            f"shard {wanted.shard} of {store.base.url}, restored from {remade.origin}, has digest "
            f"{short(found)}…, expected {short(str(wanted.content))}…; nothing was replaced: restore "
            "it from a copy, or repair it on a machine like the one that its record names"
        )
    if wanted.record is None:
        store.records_folder.remove(record_name(wanted.shard))
        store.write_columns(
            wanted.shard,
            remade.columns,
            dropped={reason: list(rows) for reason, rows in remade.dropped.items()},
            environment=remade.environment,
            nfe=_agreed_nfe(store),
        )
        return
    layout = store.files.layout
    encoded = layout.format.encode(wanted.shard, remade.columns, store.schema, layout.shard_size)
    if encoded.file != wanted.record.shard_file:
        raise MismatchError(
            f"shard {wanted.shard} of {store.base.url} has the right content, but this release "
            "writes it as other bytes than were recorded; repair it with the release that made it"
        )
    store.files.put(encoded.parts)


def without_purged(store: PairStore, shard: int, remade: Remade) -> Remade:
    """What was made again, without the rows that a purge removed for good."""
    columns, dropped = store.purged(shard).left_out(remade.columns, remade.dropped)
    return remade._replace(columns=columns, dropped=dropped)


def _agreed_nfe(store: PairStore) -> float:
    """What all sound manifests and records say; 0 (unknown) if they disagree."""
    said: set[float] = set()
    for read, numbers in (
        (store.ledger.manifest, store.ledger.sizes()),
        (store.ledger.record, store.ledger.recorded()),
    ):
        for number in numbers:
            with contextlib.suppress(DamageError):
                said.add(read(number).nfe)
    return said.pop() if len(said) == 1 else 0.0


def refreeze(store: PairStore, faults: Sequence[Fault]) -> list[str]:
    """Freeze damaged manifests again from the records; returns one message per manifest."""
    damaged = _damaged_sizes(store, faults)
    for size in damaged:
        store.ledger.manifests.remove(record_name(size))
    recorded = store.ledger.recorded()
    whole = next((n for n, shard in enumerate(recorded) if n != shard), len(recorded))
    if not store.ledger.sizes() and not damaged and whole == len(recorded) > 0:
        damaged = [whole]
    said = []
    for size in damaged:
        if size <= whole:
            store.freeze(size)
            said.append(f"manifest {record_name(size)}: frozen again from the records")
        else:
            said.append(f"manifest {record_name(size)}: removed; it listed missing shards")
    return said


def _damaged_sizes(store: PairStore, faults: Sequence[Fault]) -> list[int]:
    """The sizes whose manifest is damaged, in ascending order."""
    base = f"{store.split}/{store.layout}/manifests/"
    names = {fault.file.removeprefix(base) for fault in faults if fault.file.startswith(base)}
    return sorted(size for size in store.ledger.sizes() if record_name(size) in names)
