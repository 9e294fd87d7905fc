"""A set of pairs at rest: what is missing, write, commit, read, verify (STORE.md).

Nobody reads a shard without a record, nor uses one before its digest is checked.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of, seal, short, unseal
from storage.errors import DamageError, MismatchError
from storage.formats.layout import Layout, parse_layout
from storage.fs import Folder
from storage.manifest import Manifest, Record, read_manifest, read_record, record_name, sealed
from storage.masks import Mask, mask_damage, read_keep
from storage.noise import derive_noise
from storage.options import parse
from storage.order import Order
from storage.records import Columns, PairBatch, PairSchema, concatenate, content_digest

DEFAULT_LAYOUT = "wds-4096"


@dataclass(frozen=True)
class LoadedPairs:
    """Verified pairs in memory: rows by index, and each index's row (−1 where it has none)."""

    pairs: PairBatch
    row_of_index: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Indices asked for, not samples kept."""
        return len(self.row_of_index)


@dataclass(frozen=True)
class PairStore:
    """One split of one set in one layout; open it with `PairStore.create` or `PairStore.open`."""

    folder: Folder
    split: str
    layout: str
    spec: Mapping[str, Any]
    _verified: set[str] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def create(
        cls, folder: Folder, spec: Mapping[str, Any], *, split: str, layout: str = DEFAULT_LAYOUT
    ) -> "PairStore":
        """Begin a set, or go on with it; another spec at this address is refused field by field."""
        parse_layout(layout)
        if not folder.create("spec.json", seal(spec)):
            _require_equal_specs(read_spec(folder), spec, folder)
        store = cls(folder, split, layout, spec)
        folder.sweep()
        return store

    @classmethod
    def open(cls, folder: Folder, *, split: str, layout: str = DEFAULT_LAYOUT) -> "PairStore":
        """An existing set; a ValueError names the splits and layouts that there are."""
        parse_layout(layout)
        if not folder.exists("spec.json"):
            raise ValueError(f"{folder.url} holds no set of pairs (no spec.json); see 'kdm ls'")
        store = cls(folder, split, layout, read_spec(folder))
        if not store.base.exists("records"):
            raise ValueError(
                f"{folder.url} has no '{split}' split in layout {layout}; "
                f"there are: {', '.join(splits_of(folder)) or 'none yet'}"
            )
        return store

    @property
    def base(self) -> Folder:
        """SPLIT/LAYOUT below the set."""
        return self.folder / self.split / self.layout

    @property
    def shards(self) -> Folder:
        """Immutable shard files."""
        return self.base / "shards"

    @property
    def records_folder(self) -> Folder:
        """One JSON a shard."""
        return self.base / "records"

    @property
    def manifests(self) -> Folder:
        """One JSON for each size that the set has had."""
        return self.base / "manifests"

    @cached_property
    def schema(self) -> PairSchema:
        """What one pair is."""
        return parse(PairSchema, self.spec["pairs"], f"{self.folder.url}/spec.json: pairs")

    @cached_property
    def spec_digest(self) -> str:
        """The digest that names the set."""
        return digest_of(self.spec)

    @cached_property
    def _layout(self) -> Layout:
        return parse_layout(self.layout)

    @property
    def shard_size(self) -> int:
        """Consecutive indices in a shard."""
        return self._layout.shard_size

    @property
    def limit(self) -> int | None:
        """Indices of this split at most (imported sets cannot grow); None where unlimited."""
        rows = self.spec.get("rows", {}).get(self.split)
        return None if rows is None else int(rows[1] - rows[0])

    def num_shards(self, count: int) -> int:
        """Shards that hold the first `count` indices."""
        if count < 1 or (self.limit is not None and count > self.limit):
            upper = "" if self.limit is None else f" and at most {self.limit:,}"
            raise ValueError(f"count is {count:,}; it must be at least 1{upper} ('{self.split}')")
        return -(-count // self.shard_size)

    def indices(self, shard: int) -> NDArray[np.int64]:
        """The indices that a shard is asked for: whole shards, but for an imported set's last."""
        last = (shard + 1) * self.shard_size
        end = last if self.limit is None else min(last, self.limit)
        return np.arange(shard * self.shard_size, end, dtype=np.int64)

    def missing(self, count: int) -> list[int]:
        """Shards to make before `count` indices are there. The store decides, no cache does."""
        return [shard for shard in range(self.num_shards(count)) if not self._is_there(shard)]

    def _is_there(self, shard: int) -> bool:
        if not self.records_folder.exists(record_name(shard)):
            return False
        return self.shards.exists(self.record(shard).file)

    def record(self, shard: int) -> Record:
        """A shard's record, checked to be of this set."""
        record = read_record(self.records_folder, shard)
        where = f"{self.records_folder.url}/{record_name(shard)}"
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

    def write(
        self,
        shard: int,
        pairs: PairBatch,
        *,
        dropped: Mapping[str, Iterable[int]],
        environment: Mapping[str, Any],
    ) -> Record:
        """Write a shard, then its record; the first committed shard stands (STORE.md, 'Bytes')."""
        columns = pairs.columns(self.schema)
        file = self._layout.format.write(self.shards, f"{shard:06d}", columns)
        asked = self.indices(shard)
        record = Record(
            shard=shard,
            split=self.split,
            layout=self.layout,
            spec_digest=self.spec_digest,
            content_digest=content_digest(columns),
            file=file.name,
            file_digest=file.file_digest,
            num_bytes=file.num_bytes,
            first_index=int(asked[0]),
            last_index=int(asked[-1]),
            attempted=len(asked),
            kept=len(pairs),
            dropped={reason: sorted(rows) for reason, rows in sorted(dropped.items())},
            environment=dict(environment),
        )
        return self._commit_record(record)

    def write_audit(self, shard: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep the reasons of what a `drop_at_write` filter left out; call it before `write`."""
        if rows:
            document = {"spec_digest": self.spec_digest, "shard": shard, "dropped": list(rows)}
            (self.base / "audit").create(record_name(shard), seal(document))

    def _commit_record(self, record: Record) -> Record:
        stamp = {"attempt": uuid.uuid4().hex, "created_at": datetime.now(UTC).isoformat()}
        name = record_name(record.shard)
        if self.records_folder.create(name, sealed(record, **stamp)):
            return record
        standing = self.record(record.shard)
        if standing.content_digest == record.content_digest:
            return standing
        if standing.environment == record.environment or not self.shards.exists(standing.file):
            raise MismatchError(
                f"shard {record.shard} of {self.base.url} was recorded with content "
                f"{short(standing.content_digest)}… and has now come out as "
                f"{short(record.content_digest)}…; equal spec and environment must give equal "
                "bytes: the teacher or a plugin is not deterministic, or the environment changed"
            )
        return standing

    def commit(self, count: int) -> Manifest:
        """Freeze the first records into a manifest; an equal one that is there already stands."""
        records = [self.record(shard) for shard in range(self.num_shards(count))]
        manifest = Manifest(
            split=self.split,
            layout=self.layout,
            spec_digest=self.spec_digest,
            content_digests=tuple(record.content_digest for record in records),
            attempted=sum(record.attempted for record in records),
            kept=sum(record.kept for record in records),
        )
        created_at = datetime.now(UTC).isoformat()
        data = sealed(manifest, created_at=created_at)
        if not self.manifests.create(record_name(len(records)), data):
            standing = read_manifest(self.manifests, len(records))
            if standing != manifest:
                raise MismatchError(
                    f"{self.manifests.url}/{record_name(len(records))} is frozen over other shards "
                    "than the records list; verify the set with 'kdm pairs verify'"
                )
        return manifest

    def manifest(self, count: int) -> Manifest:
        """The smallest frozen manifest that covers `count` indices: what a reader pins."""
        wanted = self.num_shards(count)
        sizes = [int(name.removesuffix(".json")) for name in self.manifests.names()]
        covering = [size for size in sizes if size >= wanted]
        if not covering:
            there = max(sizes, default=0) * self.shard_size
            raise ValueError(
                f"{self.base.url} holds {there:,} indices, asked for {count:,}; "
                f"run generate-pairs with --count {count}"
            )
        manifest = read_manifest(self.manifests, min(covering))
        own = (self.spec_digest, self.split, self.layout)
        if (manifest.spec_digest, manifest.split, manifest.layout) != own:
            where = f"{self.manifests.url}/{record_name(manifest.num_shards)}"
            raise DamageError(f"{where} is of another set, split or layout; remove it")
        return manifest

    def content_digests(self, count: int) -> tuple[str, ...]:
        """The content digests of the shards that hold the first `count` indices."""
        return self.manifest(count).content_digests[: self.num_shards(count)]

    def columns(self, shard: int, content: str) -> Columns:
        """A shard's columns, its bytes checked against its record and the record against `content`.

        Raises `DamageError`, naming the file, before any sample is used.
        """
        record = self.record(shard)
        if record.content_digest != content:
            raise DamageError(
                f"{self.records_folder.url}/{record_name(shard)} records content "
                f"{short(record.content_digest)}…, the manifest froze {short(content)}…; "
                "remove the record and run generate-pairs again"
            )
        columns = self._layout.format.read(self.shards, record.shard_file, self.schema)
        if content not in self._verified:
            self._check_rows(record, columns)
            self._verified.add(content)
        return columns

    def _check_rows(self, record: Record, columns: Columns) -> None:
        where = f"{self.shards.url}/{record.file}"
        if content_digest(columns) != record.content_digest:
            raise DamageError(f"{where} does not hold the content that was recorded; remove it")
        dropped = {index for rows in record.dropped.values() for index in rows}
        expected = [i for i in range(record.first_index, record.last_index + 1) if i not in dropped]
        if columns["index"].tolist() != expected or len(expected) != record.kept:
            raise DamageError(f"{where} does not hold the indices that its record lists; remove it")

    def pairs(self, shard: int, content: str) -> PairBatch:
        """A verified shard as pairs, its noise derived where it is not stored."""
        columns = self.columns(shard, content)
        index = columns["index"]
        x_T = columns.get("x_T")
        if x_T is None:
            x_T = derive_noise(self.schema.noise, self.split, index, self.schema.shape)
        return PairBatch(index, x_T, columns["x_0"], columns.get("label"))

    def load(self, count: int, masks: Sequence[Mask] = ()) -> LoadedPairs:
        """The first `count` indices in memory, verified, without the rows that a mask drops."""
        contents = self.content_digests(count)
        batches = [
            self._masked(self.pairs(shard, content), content, masks)
            for shard, content in enumerate(contents)
        ]
        pairs = concatenate(batches)
        pairs = pairs.take(pairs.index < count)
        row_of_index = np.full(count, -1, np.int64)
        row_of_index[pairs.index] = np.arange(len(pairs))
        return LoadedPairs(pairs, row_of_index)

    def read(
        self, order: Order, *, epoch: int, masks: Sequence[Mask] = ()
    ) -> Iterator[tuple[NDArray[np.int64], PairBatch]]:
        """An epoch window by window: the window's indices before masks, and the pairs that remain.

        Memory stays at one window (`order.window` blocks of 4,096 indices) whatever the set's size.
        """
        contents = self.content_digests(order.count)
        for window in order.windows(epoch):
            shards = np.unique(window // self.shard_size)
            batches = [
                self._masked(self.pairs(shard, contents[shard]), contents[shard], masks)
                for shard in map(int, shards)
            ]
            yield window, _arranged(concatenate(batches), window)

    def _masked(self, pairs: PairBatch, content: str, masks: Sequence[Mask]) -> PairBatch:
        keep = np.ones(len(pairs), bool)
        for mask in masks:
            keep &= read_keep(self.base / "masks", mask, content, num_rows=len(pairs))
        return pairs.take(keep)

    def damage(self, count: int | None = None) -> list[str]:
        """What is wrong, a sentence each; reads every byte of the largest manifest (or of `count`)."""
        sizes = [int(name.removesuffix(".json")) for name in self.manifests.names()]
        if not sizes:
            return [f"{self.manifests.url} holds none; run generate-pairs to its end"]
        found: list[str] = []
        frozen: tuple[str, ...] = ()
        for size in sizes:
            try:
                frozen = max(frozen, read_manifest(self.manifests, size).content_digests, key=len)
            except (DamageError, ValueError) as error:
                found.append(str(error))
        if count is not None:
            frozen = frozen[: self.num_shards(count)]
        for shard, content in enumerate(frozen):
            try:
                self.columns(shard, content)
            except (DamageError, ValueError) as error:
                found.append(str(error))
        return found + mask_damage(self.base / "masks") + mask_damage(self.base / "audit")


def read_spec(folder: Folder) -> dict[str, Any]:
    """A set's spec, checked against its own digest."""
    document = unseal(folder.read("spec.json"), f"{folder.url}/spec.json")
    return {key: value for key, value in document.items() if key != "digest"}


def splits_of(folder: Folder) -> list[str]:
    """`SPLIT/LAYOUT` of everything below a set."""
    return [
        f"{split}/{layout}"
        for split in folder.names()
        for layout in (folder / split).names()
        if (folder / split / layout).exists("records")
    ]


def differing_fields(left: Any, right: Any, path: str = "") -> list[str]:
    """Dotted paths at which two JSON values differ."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        keys = sorted({*left, *right})
        below = (
            differing_fields(left.get(key), right.get(key), f"{path}.{key}".lstrip("."))
            for key in keys
        )
        return [name for names in below for name in names]
    return [] if left == right else [path]


def _require_equal_specs(there: Any, wanted: Mapping[str, Any], folder: Folder) -> None:
    fields = differing_fields(there, wanted)
    if fields:
        raise MismatchError(
            f"{folder.url} holds pairs of another spec; they differ in {', '.join(fields)}: "
            "use another folder, or set these fields as spec.json has them"
        )


def _arranged(pairs: PairBatch, window: NDArray[np.int64]) -> PairBatch:
    row_of = {int(index): row for row, index in enumerate(pairs.index)}
    rows = [row_of[int(index)] for index in window if int(index) in row_of]
    return pairs.take(np.array(rows, np.int64))
