"""One shard is replaced by another without its purged rows; what was begun before is gone on with.

The record comes before the files here, unlike when a shard is made: in a layout whose names have no
digest the new files replace the old ones one by one, and two records tell which of them are new.
"""

from collections.abc import Mapping

from storage.care.carried_masks import carry_masks
from storage.digest import sha256_of, short
from storage.errors import DamageError, MismatchError
from storage.formats.column import columns_of
from storage.ledger import Ledger
from storage.shard_record import Record, record_name
from storage.store import PairStore


def purge_shard(store: PairStore, former: Ledger, number: int, shard: int) -> None:
    """Replace a shard; `former` is where its record is kept as it was before this purge.

    Raises a `DamageError`, naming the file, if the shard isn't what was recorded.
    """
    record, name = store.record(shard), record_name(shard)
    if all(note.number != number for note in record.purges):
        former.records_folder.create(name, store.records_folder.read(name))
        parts = _record_anew(store, former.record(shard))
    elif _is_whole(store, record):
        return
    else:
        parts = _made_again(store, former.record(shard), record)
    store.files.put(_index_last(parts))


def _record_anew(store: PairStore, old: Record) -> Mapping[str, bytes]:
    """Write masks and record of the new shard; its files by name."""
    columns = store.columns(old.shard, old.content_digest)
    new, parts = store.prepared(
        old.shard, columns, dropped=old.dropped, environment=old.environment, nfe=old.nfe
    )
    carry_masks(store.base / "masks", old, new)
    store.ledger.replace_record(new)
    return parts


def _made_again(store: PairStore, old: Record, new: Record) -> Mapping[str, bytes]:
    """The new shard's files, from those of the old one, some of which may be replaced already."""
    parts = store.files.read(old.shard, old.shard_file)
    for name, data in parts.items():
        expected = {old.parts.get(name, old.file_digest), new.parts.get(name)}
        if sha256_of(data) not in expected:
            raise DamageError(
                f"{store.shards.url}/{name} was damaged while its set was being purged: it is neither the "
                "old file nor the new one; restore it from a copy, then go on with the purge"
            )
    located = store.files.locate(old.shard, old.shard_file, parts)
    made, new_parts = store.prepared(
        old.shard,
        columns_of(located, parts),
        dropped=old.dropped,
        environment=old.environment,
        nfe=old.nfe,
    )
    if made.shard_file != new.shard_file:
        raise MismatchError(
            f"shard {old.shard} of {store.base.url} without its purged rows comes out with content "
            f"{short(made.content_digest)}…, recorded is {short(new.content_digest)}…; finish the purge "
            "with the release that began it"
        )
    return new_parts


def _is_whole(store: PairStore, record: Record) -> bool:
    """Whether the files that a record names are there with the bytes that it says."""
    file = record.shard_file
    if not all(map(store.shards.exists, file.names)):
        return False
    found = {name: sha256_of(store.shards.read(name)) for name in file.names}
    return found == {name: file.parts.get(name, file.file_digest) for name in file.names}


def _index_last(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """While `index` still has the purged rows, Zarr files with and without their values can be read."""
    return dict(sorted(parts.items(), key=lambda part: part[0].startswith("index")))
