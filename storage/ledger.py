"""What is written down about a set: records, and the manifests that freeze them."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from storage.digest import digest_of, short
from storage.errors import DamageError
from storage.folders import Folder
from storage.ledger_files import read_manifest, read_record, read_records
from storage.manifest import Manifest
from storage.shard_record import Record, record_name, sealed

# Records that are read at once: enough to hide a remote store's latency, little enough for memory.
RECORDS_AT_ONCE = 1000


@dataclass(frozen=True)
class Ledger:
    """Records and manifests of one split in one layout; those of another are refused."""

    base: Folder
    spec_digest: str
    split: str
    layout: str

    @property
    def records_folder(self) -> Folder:
        """One JSON a shard."""
        return self.base / "records"

    @property
    def manifests(self) -> Folder:
        """One JSON for each size that the set has had."""
        return self.base / "manifests"

    def record(self, shard: int) -> Record:
        """A shard's record, checked to be of this set."""
        return self._own(read_record(self.records_folder, shard))

    def records(self, shards: Sequence[int]) -> Iterator[Record]:
        """The records of several shards, some at a time."""
        for first in range(0, len(shards), RECORDS_AT_ONCE):
            chosen = shards[first : first + RECORDS_AT_ONCE]
            yield from map(self._own, read_records(self.records_folder, chosen))

    def add(self, record: Record) -> bool:
        """Write a shard's record with an attempt id and the time; False if one is there already."""
        return self.records_folder.create(record_name(record.shard), _stamped(record))

    def replace_record(self, record: Record) -> None:
        """Write a record over the one that there is: of a shard that lost rows for good."""
        self.records_folder.replace(record_name(record.shard), _stamped(record))

    def replace_manifest(self, manifest: Manifest) -> None:
        """Write a manifest over the one of its size: of a set that lost rows for good."""
        data = sealed(manifest, created_at=datetime.now(UTC).isoformat())
        self.manifests.replace(record_name(manifest.num_shards), data)

    def recorded(self) -> list[int]:
        """The shards that have a record, rising."""
        return _numbers(self.records_folder)

    def sizes(self) -> list[int]:
        """How many shards each manifest is over, rising."""
        return _numbers(self.manifests)

    def manifest(self, num_shards: int) -> Manifest:
        """The manifest over the first `num_shards` records."""
        manifest = read_manifest(self.manifests, num_shards)
        if (manifest.spec_digest, manifest.split, manifest.layout) != self._identity:
            where = f"{self.manifests.url}/{record_name(num_shards)}"
            raise DamageError(f"{where} is of another set, split or layout; remove it")
        return manifest

    def largest(self) -> Manifest:
        """The manifest over the most records; a ValueError before the first one is frozen."""
        sizes = self.sizes()
        if not sizes:
            raise ValueError(f"{self.base.url} has no manifest yet; run generate-pairs to its end")
        return self.manifest(max(sizes))

    def contents(self, num_shards: int) -> str | None:
        """The digest over the contents of the first shards; None if no manifest covers them."""
        covering = [size for size in self.sizes() if size >= num_shards]
        if not covering:
            return None
        return digest_of(self.manifest(min(covering)).content_digests[:num_shards])

    def freeze(self, num_shards: int, replaced: Sequence[str] = ()) -> Manifest:
        """The manifest over the first records: the one that is there, or a new one.

        A new one continues from the largest below it, so that growth costs what was added. `replaced`
        are the contents that purges took from a manifest of this size, which was lost.
        """
        if num_shards in self.sizes():
            return self.manifest(num_shards)
        manifest = self._grown(num_shards, replaced)
        data = sealed(manifest, created_at=datetime.now(UTC).isoformat())
        is_new = self.manifests.create(record_name(num_shards), data)
        return manifest if is_new else self.manifest(num_shards)

    def _grown(self, num_shards: int, replaced: Sequence[str]) -> Manifest:
        below = [size for size in self.sizes() if size < num_shards]
        frozen = self.manifest(max(below)) if below else None
        contents = list(frozen.content_digests) if frozen else []
        attempted, kept = (frozen.attempted, frozen.kept) if frozen else (0, 0)
        evaluations = frozen.nfe * frozen.attempted if frozen else 0.0
        is_known = frozen is None or frozen.nfe > 0
        for record in self.records(range(len(contents), num_shards)):
            contents.append(record.content_digest)
            attempted, kept = attempted + record.attempted, kept + record.kept
            evaluations += record.nfe * record.attempted
            is_known = is_known and record.nfe > 0
        return Manifest.over(
            contents,
            split=self.split,
            layout=self.layout,
            spec_digest=self.spec_digest,
            attempted=attempted,
            kept=kept,
            nfe=evaluations / attempted if is_known else 0.0,
            replaced=replaced,
        )

    @property
    def _identity(self) -> tuple[str, str, str]:
        return (self.spec_digest, self.split, self.layout)

    def _own(self, record: Record) -> Record:
        where = f"{self.records_folder.url}/{record_name(record.shard)}"
        if record.spec_digest != self.spec_digest:
            raise DamageError(
                f"{where} belongs to the set {short(record.spec_digest)}…, "
                f"this one is {short(self.spec_digest)}…; remove it"
            )
        if (record.split, record.layout) != (self.split, self.layout):
            raise DamageError(
                f"{where} is of {record.split}/{record.layout}, not of {self.split}/{self.layout}; "
                "files were swapped: remove it and run generate-pairs again"
            )
        return record


def _stamped(record: Record) -> bytes:
    """A record as bytes, with an attempt id and the time."""
    stamp = {"attempt": uuid.uuid4().hex, "created_at": datetime.now(UTC).isoformat()}
    return sealed(record, **stamp)


def _numbers(folder: Folder) -> list[int]:
    """The numbers whose document is there; files with other names are ignored."""
    stems = [name.removesuffix(".json") for name in folder.names() if name.endswith(".json")]
    numbers = {stem: int(stem) for stem in stems if stem.isascii() and stem.isdecimal()}
    return sorted(n for stem, n in numbers.items() if record_name(n) == f"{stem}.json")
