"""What is in a set: one record a shard, and frozen manifests over the first n records (STORE.md)."""

from typing import Any

from pydantic import Field

from storage.digest import seal, unseal, without_stamp
from storage.errors import DamageError
from storage.formats.layout import ShardFile
from storage.fs import Folder
from storage.options import Options, parse

VERSION = 1


class Record(Options):
    """One shard: what was asked, what was kept, what was dropped and why, and who made it."""

    version: int = VERSION
    shard: int
    split: str
    layout: str
    spec_digest: str
    content_digest: str
    file: str
    file_digest: str
    num_bytes: int = Field(ge=0)
    first_index: int
    last_index: int
    attempted: int
    kept: int
    dropped: dict[str, list[int]]  # indices by reason
    environment: dict[str, Any]

    @property
    def shard_file(self) -> ShardFile:
        """Where its bytes are and what they must be."""
        return ShardFile(self.file, self.file_digest, self.num_bytes)


class Manifest(Options):
    """The first n records by content digest. Frozen: a larger set adds a manifest."""

    version: int = VERSION
    split: str
    layout: str
    spec_digest: str
    content_digests: tuple[str, ...]
    attempted: int
    kept: int

    @property
    def num_shards(self) -> int:
        """Shards that this manifest covers."""
        return len(self.content_digests)


def record_name(shard: int) -> str:
    """The file of a shard's record below `records/`."""
    return f"{shard:06d}.json"


def read_record(records: Folder, shard: int) -> Record:
    """The record of a shard; `DamageError` where it is missing, changed, or another's."""
    document = _read(records, record_name(shard))
    record = parse(Record, document, f"{records.url}/{record_name(shard)}")
    if record.shard != shard:
        raise DamageError(
            f"{records.url}/{record_name(shard)} is the record of shard {record.shard}; "
            "files were swapped: remove it and run generate-pairs again"
        )
    return record


def read_manifest(manifests: Folder, num_shards: int) -> Manifest:
    """The manifest over the first `num_shards` records; `DamageError` where it is not sound."""
    name = record_name(num_shards)
    manifest = parse(Manifest, _read(manifests, name), f"{manifests.url}/{name}")
    if manifest.num_shards != num_shards:
        raise DamageError(
            f"{manifests.url}/{name} lists {manifest.num_shards} shards, its name says "
            f"{num_shards}; remove it and run generate-pairs again"
        )
    return manifest


def sealed(model: Options, **volatile: Any) -> bytes:
    """A record or manifest as bytes; attempt id and times stand in it but outside its digest."""
    return seal({**model.model_dump(mode="json"), **volatile})


def _read(folder: Folder, name: str) -> dict[str, Any]:
    where = f"{folder.url}/{name}"
    if not folder.exists(name):
        raise DamageError(f"{where} is missing; run generate-pairs again")
    document = unseal(folder.read(name), where)
    if document.get("version") != VERSION:
        raise DamageError(
            f"{where} has format version {document.get('version')}; this release reads version "
            f"{VERSION}: use the release that wrote it"
        )
    return without_stamp(document)
