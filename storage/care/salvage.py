"""A shard's samples from what is left of a set: the shard's own files, or another layout."""

from collections.abc import Iterator, Sequence

from storage.care.audit import read_audit_rows
from storage.care.environments import common_environment, environment_in
from storage.care.put_back import Remade, without_purged
from storage.care.spans import SpanReader
from storage.care.wanted import Wanted
from storage.errors import DamageError, StoreError
from storage.formats.column import columns_of
from storage.records import Columns, content_digest
from storage.set_folder import places
from storage.store import PairStore


def from_own_files(
    store: PairStore, wanted: Wanted, *, is_last_resort: bool = False
) -> Remade | None:
    """Recover a shard with intact files but a damaged record; None if the files can't prove it.

    As a last resort even if the reasons for dropped indices, or the environment, are lost.
    """
    if wanted.record is not None:
        return None  # the record is sound, so the files are not
    for columns in _decoded(store, wanted.shard):
        if wanted.content not in (None, content_digest(columns)):
            continue
        dropped, environment = _reasons(store, wanted.shard, columns), common_environment(store)
        if dropped is not None and environment is not None:
            return Remade(columns, dropped, environment, "its own files")
        if is_last_resort:
            lacking = _lacking(store, wanted.shard, columns)
            dropped = dropped if dropped is not None else {"unknown": sorted(lacking)}
            words = "its own files (the rest of its record is lost)"
            return Remade(columns, dropped, environment or {"lost": True}, words)
    return None


def from_other_layout(
    store: PairStore, wanted: Wanted, others: Sequence[PairStore]
) -> Remade | None:
    """The shard's samples from the first of the other layouts in which they are sound."""
    asked = store.indices(wanted.shard)
    for other in others:
        try:
            span = SpanReader(other).read(int(asked[0]), int(asked[-1]) + 1)
        except (StoreError, ValueError):
            continue  # not all of it, or not sound: the next one may be
        environment = environment_in(store, span.environment, other.shard_size)
        found = Remade(span.columns, span.dropped, environment, f"layout {other.layout}")
        found = without_purged(store, wanted.shard, found)
        if wanted.content in (None, content_digest(found.columns)):
            return found
    return None


def siblings(store: PairStore) -> list[PairStore]:
    """The same split in the other layouts that there are."""
    return [
        PairStore(store.folder, split, layout, store.spec)
        for split, layout in places(store.folder)
        if split == store.split and layout != store.layout
    ]


def _decoded(store: PairStore, shard: int) -> Iterator[Columns]:
    """All that can be read from the files with this shard's number."""
    layout = store.files.layout
    names = [name for name in store.shards.files() if layout.format.shard_of(name) == shard]
    most = layout.format.max_bytes(store.schema, layout.shard_size)
    for chosen in [names, *([name] for name in names)]:
        try:
            parts = {name: store.shards.read(name, at_most=most) for name in chosen}
            located = layout.format.locate(shard, parts, store.schema, layout.shard_size)
        except (DamageError, ValueError):
            continue
        columns = columns_of(located, parts)
        encoded = layout.format.encode(shard, columns, store.schema, layout.shard_size)
        if encoded.parts == parts:
            yield columns


def _reasons(store: PairStore, shard: int, columns: Columns) -> dict[str, list[int]] | None:
    """Why the indices that a shard lacks were dropped; None if unknown."""
    lacking = _lacking(store, shard, columns)
    found: dict[str, list[int]] = {}
    if not lacking:
        return found
    try:
        rows = read_audit_rows(store, shard)
    except (DamageError, FileNotFoundError):
        return None
    for index, reason in sorted(rows):
        if index in lacking:
            found.setdefault(reason, []).append(index)
    return found if sum(map(len, found.values())) == len(lacking) else None


def _lacking(store: PairStore, shard: int, columns: Columns) -> set[int]:
    """Indices that are neither in a shard nor purged."""
    there = set(columns["index"].tolist()) | store.purged(shard).indices
    return set(store.indices(shard).tolist()) - there
