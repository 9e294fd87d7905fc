"""A set of pairs at rest: what is missing, write, commit, read, verify (docs/store.md).

A shard without a record isn't read, and no shard is used before its digest is checked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.decisions import default_masks
from storage.digest import digest_of, seal, sha256_of, short
from storage.errors import DamageError, MismatchError
from storage.folders import Folder
from storage.formats.column import Buffer, Column, columns_of
from storage.formats.layout import Layout, parse_layout
from storage.ledger import Ledger
from storage.manifest import MAX_SHARDS, Manifest
from storage.masks import Mask, read_keeps
from storage.noise import derive_noise
from storage.purges import PurgedRows, Purges
from storage.records import (
    Columns,
    LoadedPairs,
    PairBatch,
    PairSchema,
    concatenate,
    content_digest,
    require_labels,
)
from storage.set_folder import require_split, splits_of
from storage.shard_record import Record, record_name
from storage.shards import Shards
from storage.spec_file import num_rows, own_spec, require_spec, schema_in

DEFAULT_LAYOUT = "wds-4096"
CLAIMS = "claims"  # who is making which shard; nothing that is read depends on it


@dataclass(frozen=True)
class PairStore:
    """One split of one set in one layout; open it with `PairStore.create` or `PairStore.open`."""

    folder: Folder  # of the set
    split: str  # 'train' or 'heldout'
    layout: str  # format and indices of a shard, as in wds-4096
    spec: Mapping[str, Any]  # what determines the set
    _verified: set[str] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def create(
        cls, folder: Folder, spec: Mapping[str, Any], *, split: str, layout: str = DEFAULT_LAYOUT
    ) -> "PairStore":
        """Begin a set, or go on with it; another spec at this address is refused field by field."""
        store = cls.planned(folder, spec, split=split, layout=layout)
        store.begin()
        return store

    @classmethod
    def planned(
        cls, folder: Folder, spec: Mapping[str, Any], *, split: str, layout: str = DEFAULT_LAYOUT
    ) -> "PairStore":
        """A set that need not be there yet; nothing of it is written before `begin`."""
        require_split(split)
        store = cls(folder, split, layout, spec)
        store.files.max_bytes()  # a shard that is too large to be held is refused
        store.purges.require_finished()
        if folder.exists("spec.json") or store.base.exists("records"):  # whose spec was lost
            store.begin()
        return store

    def begin(self) -> None:
        """Write the spec, on which everything else depends; `MismatchError` if it differs."""
        if not self.folder.create("spec.json", seal(self.spec)):
            require_spec(self.folder, self.spec)
        self.folder.sweep()

    @classmethod
    def open(cls, folder: Folder, *, split: str, layout: str = DEFAULT_LAYOUT) -> "PairStore":
        """An existing set; a ValueError names the splits and layouts that there are."""
        require_split(split)
        parse_layout(layout)
        if not folder.exists("spec.json"):
            raise ValueError(f"{folder.url} holds no set of pairs (no spec.json); see 'kdm ls'")
        store = cls(folder, split, layout, own_spec(folder))
        if not store.base.exists("records"):
            raise ValueError(
                f"{folder.url} doesn't have a '{split}' split in layout {layout}; "
                f"there are: {', '.join(splits_of(folder)) or 'none yet'}"
            )
        store.purges.require_finished()
        return store

    @property
    def place(self) -> str:
        """SPLIT/LAYOUT."""
        return f"{self.split}/{self.layout}"

    @property
    def base(self) -> Folder:
        """SPLIT/LAYOUT below the set."""
        return self.folder / self.place

    @property
    def shards(self) -> Folder:
        """Immutable shard files."""
        return self.base / "shards"

    @cached_property
    def ledger(self) -> Ledger:
        """Records and manifests."""
        return Ledger(self.base, self.spec_digest, self.split, self.layout)

    @cached_property
    def purges(self) -> Purges:
        """What was removed from the set for good."""
        return Purges(self.folder, self.spec_digest)

    def purged(self, shard: int) -> PurgedRows:
        """What was removed from a shard for good; `write` leaves it out."""
        first, end = shard * self.shard_size, (shard + 1) * self.shard_size
        return self.purges.of_shard(self.split, self.layout, shard, first, end)

    @property
    def records_folder(self) -> Folder:
        """One JSON a shard."""
        return self.ledger.records_folder

    @cached_property
    def schema(self) -> PairSchema:
        """What one pair is."""
        return schema_in(self.spec, self.folder)

    @cached_property
    def spec_digest(self) -> str:
        """The digest that names the set."""
        return digest_of(self.spec)

    @cached_property
    def files(self) -> Shards:
        """The shards' files: what writes them, reads them and finds their rows."""
        return Shards(self.shards, self._layout, self.schema)

    @cached_property
    def _layout(self) -> Layout:
        return parse_layout(self.layout)

    @property
    def shard_size(self) -> int:
        """Consecutive indices in a shard."""
        return self._layout.shard_size

    @cached_property
    def limit(self) -> int | None:
        """Indices of this split at most (imported sets cannot grow); None if unlimited."""
        return num_rows(self.spec, self.split, f"{self.folder.url}/spec.json")

    def num_shards(self, count: int) -> int:
        """Shards that hold the first `count` indices."""
        if count < 1 or (self.limit is not None and count > self.limit):
            upper = "" if self.limit is None else f" and at most {self.limit:,}"
            raise ValueError(f"count is {count:,}; it must be at least 1{upper} ('{self.split}')")
        num_shards = -(-count // self.shard_size)
        if num_shards > MAX_SHARDS:
            raise ValueError(
                f"{count:,} indices make {num_shards:,} shards of {self.shard_size:,}, a set has at "
                f"most {MAX_SHARDS:,}; choose a layout with a larger shard"
            )
        return num_shards

    def indices(self, shard: int) -> NDArray[np.int64]:
        """The indices of a shard: whole shards, except an imported set's last one."""
        last = (shard + 1) * self.shard_size
        end = last if self.limit is None else min(last, self.limit)
        return np.arange(shard * self.shard_size, end, dtype=np.int64)

    def missing(self, count: int) -> list[int]:
        """Shards to make before `count` indices are there. The files in the store decide, not a cache."""
        there = set(self.records_folder.names())
        wanted = range(self.num_shards(count))
        recorded = [shard for shard in wanted if record_name(shard) in there]
        files = set(self.shards.files()) if recorded else set()
        whole = {r.shard for r in self.records(recorded) if files.issuperset(r.shard_file.names)}
        return [shard for shard in wanted if shard not in whole]

    def is_there(self, shard: int) -> bool:
        """Whether a shard's record and its files are there; what `missing` says of one shard."""
        if not self.records_folder.exists(record_name(shard)):
            return False
        return all(map(self.shards.exists, self.record(shard).shard_file.names))

    def record(self, shard: int) -> Record:
        """A shard's record, checked to be of this set and over the shard's indices."""
        return self._placed(self.ledger.record(shard))

    def records(self, shards: Sequence[int]) -> Iterator[Record]:
        """The records of several shards, some at a time."""
        return map(self._placed, self.ledger.records(shards))

    def _placed(self, record: Record) -> Record:
        asked = self.indices(record.shard)
        if len(asked) == 0 or (record.first_index, record.last_index) != (asked[0], asked[-1]):
            raise DamageError(
                f"{self.records_folder.url}/{record_name(record.shard)} is over the indices "
                f"{record.first_index} to {record.last_index}, which aren't this shard's; "
                "remove it and run generate-pairs again"
            )
        return record

    def write(
        self,
        shard: int,
        pairs: PairBatch,
        *,
        dropped: Mapping[str, Iterable[int]],
        environment: Mapping[str, Any],
        nfe: float = 0.0,
    ) -> Record:
        """Write a shard, then its record; the first committed shard stands (docs/store.md, 'Two writers')."""
        columns = pairs.columns(self.schema)
        return self.write_columns(shard, columns, dropped=dropped, environment=environment, nfe=nfe)

    def write_columns(
        self,
        shard: int,
        columns: Columns,
        *,
        dropped: Mapping[str, Iterable[int]],
        environment: Mapping[str, Any],
        nfe: float = 0.0,
    ) -> Record:
        """Write a shard and its record from the columns that are stored, without purged rows."""
        prepared = self.prepared(shard, columns, dropped=dropped, environment=environment, nfe=nfe)
        return self._commit_record(*prepared)

    def prepared(
        self,
        shard: int,
        columns: Columns,
        *,
        dropped: Mapping[str, Iterable[int]],
        environment: Mapping[str, Any],
        nfe: float = 0.0,
    ) -> tuple[Record, dict[str, bytes]]:
        """A shard's record and its files by name, without purged rows; nothing is written."""
        purged = self.purged(shard)
        columns, left_out = purged.left_out(columns, dropped)
        encoded = self._layout.format.encode(shard, columns, self.schema, self.shard_size)
        asked = self.indices(shard)
        record = Record(
            shard=shard,
            split=self.split,
            layout=self.layout,
            spec_digest=self.spec_digest,
            content_digest=content_digest(columns),
            file=encoded.file.name,
            file_digest=encoded.file.file_digest,
            num_bytes=encoded.file.num_bytes,
            parts=dict(encoded.file.parts),
            first_index=int(asked[0]),
            last_index=int(asked[-1]),
            attempted=len(asked),
            kept=len(columns["index"]),
            dropped=left_out,
            nfe=nfe,
            environment=dict(environment),
            purges=purged.notes,
        )
        return record, encoded.parts

    def write_audit(self, shard: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep the reasons of what a `drop_at_write` filter left out; call it before `write`."""
        if rows:
            document = {"spec_digest": self.spec_digest, "shard": shard, "dropped": list(rows)}
            (self.base / "audit").create(record_name(shard), seal(document))

    def _commit_record(self, record: Record, parts: Mapping[str, bytes]) -> Record:
        name = record_name(record.shard)
        if self.records_folder.exists(name):
            return self._agreed(record, parts)
        put = self.files.put(parts, is_recorded=lambda: self.records_folder.exists(name))
        if put.is_whole and self.ledger.add(record):
            return record
        # Another writer's record came in between. What it vouches for may have been replaced.
        for part, data in put.replaced.items():
            if self.record(record.shard).parts.get(part) == sha256_of(data):
                self.shards.replace(part, data)
        return self._agreed(record, parts)

    def _agreed(self, record: Record, parts: Mapping[str, bytes]) -> Record:
        """The standing record, its files made whole; MismatchError if this one contradicts it."""
        standing = self.record(record.shard)
        if standing.shard_file == record.shard_file:
            self.files.put(parts)
            return standing
        is_there = all(map(self.shards.exists, standing.shard_file.names))
        if standing.environment == record.environment or not is_there:
            raise MismatchError(
                f"shard {record.shard} of {self.base.url} was recorded with content "
                f"{short(standing.content_digest)}… and has now come out as "
                f"{short(record.content_digest)}…; equal spec and environment must give equal "
                "bytes: the teacher or a plugin is not deterministic, or the environment changed"
            )
        return standing

    def commit(self, count: int) -> Manifest:
        """Freeze the first records into a manifest; an existing one stays as it is."""
        manifest = self.freeze(self.num_shards(count))
        # The one file that changes, `zarr.json`, lets plain readers see all that is frozen.
        self.files.put_metadata(max(self.ledger.sizes()))
        return manifest

    def freeze(self, num_shards: int) -> Manifest:
        """The manifest over the first `num_shards` records: the one that is there, or a new one."""
        replaced = self.purges.replaced(self.split, self.layout, num_shards)
        return self.ledger.freeze(num_shards, replaced)

    def manifest(self, count: int) -> Manifest:
        """The smallest frozen manifest that covers `count` indices: what a reader pins."""
        wanted, sizes = self.num_shards(count), self.ledger.sizes()
        covering = [size for size in sizes if size >= wanted]
        if not covering:
            there = max(sizes, default=0) * self.shard_size
            raise ValueError(
                f"{self.base.url} holds {there:,} indices, asked for {count:,}; "
                f"run generate-pairs with --count {count}"
            )
        return self.ledger.manifest(min(covering))

    def content_digests(self, count: int) -> tuple[str, ...]:
        """The content digests of the shards that hold the first `count` indices."""
        return self.manifest(count).content_digests[: self.num_shards(count)]

    def vouched(self, shard: int, content: str) -> Record:
        """The record of a shard that a manifest froze with this content."""
        record = self.record(shard)
        if record.content_digest != content:
            raise DamageError(
                f"{self.records_folder.url}/{record_name(shard)} records content "
                f"{short(record.content_digest)}…, the manifest froze {short(content)}…; "
                "remove the record and run generate-pairs again"
            )
        return record

    def columns(self, shard: int, content: str) -> Columns:
        """A shard's columns, its bytes checked against its record and the record against `content`.

        Raises `DamageError`, naming the file, before any sample is used.
        """
        record = self.vouched(shard, content)
        parts = self.files.read(shard, record.shard_file)
        return columns_of(self.check(record, parts), parts)

    def check(self, record: Record, parts: Mapping[str, Buffer]) -> dict[str, Column]:
        """Where the rows of a shard are in the bytes of its files, checked once per process.

        Raises `DamageError`, naming the file, if they aren't what was recorded.
        """
        file = record.shard_file
        if record.content_digest in self._verified:
            return self.files.locate(record.shard, file, parts)
        self.files.require_bytes(file, parts)
        located = self.files.locate(record.shard, file, parts)
        self._check_rows(record, columns_of(located, parts))
        self._verified.add(record.content_digest)
        return located

    def _check_rows(self, record: Record, columns: Columns) -> None:
        where = f"{self.shards.url}/{record.file}"
        if content_digest(columns) != record.content_digest:
            raise DamageError(f"{where} does not hold the content that was recorded; remove it")
        if columns["index"].tolist() != record.kept_indices():
            raise DamageError(f"{where} does not hold the indices that its record lists; remove it")
        require_labels(self.schema.label, columns, where)

    def pairs(self, shard: int, content: str) -> PairBatch:
        """A verified shard as pairs, with its noise derived if it isn't stored."""
        return self.batch(self.columns(shard, content))

    def batch(self, columns: Columns) -> PairBatch:
        """Stored columns as pairs."""
        index, x_T = columns["index"], columns.get("x_T")
        if x_T is None:
            x_T = derive_noise(self.schema.noise, self.split, index, self.schema.shape)
        return PairBatch(
            index=index,
            x_T=x_T,
            x_0=columns["x_0"],
            label=columns.get("label"),
            states=columns.get("states"),
        )

    def masks(self, named: Sequence[Mask] | None) -> tuple[Mask, ...]:
        """The masks to read by: the named ones, () for none; by default the only decision there is.

        `MismatchError` with the choices if none are named and there are several, or only elsewhere.
        """
        return default_masks(self.folder, self.place) if named is None else tuple(named)

    def kept(
        self, count: int, masks: Sequence[Mask] | None = None, *, first: int = 0
    ) -> Iterator[PairBatch]:
        """The first `count` indices, verified, shard by shard, without the rows that a mask drops.

        Shards that end before index `first` aren't read.
        """
        masks = self.masks(masks)
        for shard, content in enumerate(self.content_digests(count)):
            if (shard + 1) * self.shard_size <= first:
                continue
            pairs = self._masked(self.pairs(shard, content), content, masks)
            yield pairs.take(pairs.index < count)

    def load(self, count: int, masks: Sequence[Mask] | None = None) -> LoadedPairs:
        """All that `kept` gives, in memory."""
        pairs = concatenate(list(self.kept(count, masks)))
        row_of_index = np.full(count, -1, np.int64)
        row_of_index[pairs.index] = np.arange(len(pairs))
        return LoadedPairs(pairs, row_of_index)

    def _masked(self, pairs: PairBatch, content: str, masks: Sequence[Mask]) -> PairBatch:
        return pairs.take(read_keeps(self.base / "masks", masks, content, num_rows=len(pairs)))
