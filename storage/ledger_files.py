"""Records and manifests read from their files; sizes are bounded before bytes are read,
and numbers are checked against each other before they are used: anyone may have written them.
"""

from collections.abc import Sequence

from storage.digest import unseal, without_stamp
from storage.errors import DamageError
from storage.folders import Folder
from storage.manifest import Manifest
from storage.options import ModelT, parse
from storage.shard_record import VERSION, Record, record_name

MAX_RECORD_BYTES = 2 * 2**20  # 65,536 dropped indices of 13 digits take 1.2 MB
MAX_MANIFEST_BYTES = 48 * 2**20


def read_record(records: Folder, shard: int) -> Record:
    """The record of a shard; `DamageError` if it is missing, changed, or another's."""
    return _record(records, shard, _read(records, shard, MAX_RECORD_BYTES))


def read_records(records: Folder, shards: Sequence[int]) -> list[Record]:
    """The records of several shards, read at once."""
    try:
        found = records.read_many(list(map(record_name, shards)), at_most=MAX_RECORD_BYTES)
    except FileNotFoundError:
        # One by one, so that the error names the file.
        return [read_record(records, shard) for shard in shards]
    return [_record(records, shard, data) for shard, data in zip(shards, found, strict=True)]


def read_manifest(manifests: Folder, num_shards: int) -> Manifest:
    """The manifest over the first `num_shards` records; `DamageError` if it isn't sound."""
    where = f"{manifests.url}/{record_name(num_shards)}"
    data = _read(manifests, num_shards, MAX_MANIFEST_BYTES)
    _require_plain(data, num_shards, where)
    manifest = _opened(Manifest, data, where)
    if manifest.num_shards != num_shards:
        raise DamageError(
            f"{where} lists {manifest.num_shards:,} shards, its name says {num_shards:,}; "
            "remove it and run generate-pairs again"
        )
    return manifest


def _record(records: Folder, shard: int, data: bytes) -> Record:
    where = f"{records.url}/{record_name(shard)}"
    record = _opened(Record, data, where)
    if record.shard != shard:
        raise DamageError(
            f"{where} is the record of shard {record.shard}; "
            "files were swapped: remove it and run generate-pairs again"
        )
    return record


def _read(folder: Folder, number: int, at_most: int) -> bytes:
    try:
        return folder.read(record_name(number), at_most=at_most)
    except FileNotFoundError as error:
        raise DamageError(
            f"{folder.url}/{record_name(number)} is missing; run generate-pairs again"
        ) from error


def _opened(model: type[ModelT], data: bytes, where: str) -> ModelT:
    document = unseal(data, where)
    if document.get("version") != VERSION:
        raise DamageError(
            f"{where} has format version {str(document.get('version'))[:20]}; this release reads "
            f"version {VERSION}: use the release that wrote it"
        )
    try:
        return parse(model, without_stamp(document), where)
    except ValueError as error:
        raise DamageError(f"{error}; remove it and run generate-pairs again") from error


def _require_plain(data: bytes, num_shards: int, where: str) -> None:
    """Refuse, before parsing it, a document that would take far more memory than its bytes.

    A manifest is one object of few fields, with at most one list of digests, in base64 (no commas).
    """
    if data.count(b"[") + data.count(b"{") > 8 or data.count(b",") > num_shards + 32:
        raise DamageError(f"{where} is not laid out as a manifest of {num_shards:,} shards")
