"""One shard at rest against its record: its files' bytes, and what they hold."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.digest import sha256_of, short, unseal
from storage.errors import DamageError
from storage.fault import Fault, Kind, words_of
from storage.manifest import Record, record_name
from storage.noise import derive_labels
from storage.records import INVALID_REASONS, Columns, PairSchema, content_digest
from storage.shards import columns_of
from storage.store import PairStore

_AUDIT_BYTES = 32 * 2**20  # a row takes some 300 bytes, and a shard has 65,536 samples at most
_REMEDY = "run 'kdm pairs repair'"


class ShardReport(NamedTuple):
    """What was found in a shard: faults, and what the files with other bytes hold instead."""

    faults: list[Fault]
    digests: dict[
        str, str
    ]  # what a file with wrong bytes has for sha256, by its name below the set


def shard_report(store: PairStore, record: Record, *, deep: bool) -> ShardReport:
    """Compare a shard's files with its record; `deep` decodes them too."""
    about = _About(store, record)
    parts, report = about.read()
    if not report.faults:
        report.faults.extend(about.bytes_faults(parts, report.digests))
    if deep and not report.faults:
        report.faults.extend(about.content_faults(parts))
    report.faults.extend(about.audit_faults())
    return report


class _About(NamedTuple):
    """A record in its store."""

    store: PairStore
    record: Record

    def fault(self, kind: Kind, file: str, words: str) -> Fault:
        """A fault of this shard; `file` lies below SPLIT/LAYOUT."""
        place = f"{self.store.split}/{self.store.layout}/{file}"
        where = f"{self.store.base.url}/{file}"
        return Fault(kind, self.record.shard, place, f"{where} {words}")

    def read(self) -> tuple[dict[str, bytes], ShardReport]:
        """The shard's files as far as they can be read."""
        report, parts = ShardReport([], {}), {}
        try:
            self.store.files.require_names(self.record.shard, self.record.shard_file)
        except DamageError as error:
            name = f"records/{record_name(self.record.shard)}"
            return {}, ShardReport([self.fault("damaged", name, f"names other files: {error}")], {})
        for name in self.record.shard_file.names:
            try:
                parts[name] = self._read(name)
            except FileNotFoundError:
                words = f"is missing; {_REMEDY}"
                report.faults.append(self.fault("missing", f"shards/{name}", words))
            except DamageError as error:
                words = words_of(error, f"{self.store.shards.url}/{name}")
                report.faults.append(self.fault("damaged", f"shards/{name}", words))
        return parts, report

    def _read(self, name: str) -> bytes:
        files = self.store.files
        most = files.layout.format.max_bytes(files.schema, files.layout.shard_size)
        return files.folder.read(name, at_most=most)

    def bytes_faults(self, parts: Mapping[str, bytes], digests: dict[str, str]) -> Iterator[Fault]:
        """Files whose bytes are not those that were recorded; notes what they have instead."""
        file = self.record.shard_file
        for name, data in parts.items():
            found, recorded = sha256_of(data), file.parts.get(name, file.file_digest)
            if found == recorded:
                continue
            words = (
                f"has {len(data):,} bytes with sha256 {short(found)}…, recorded is "
                f"{short(recorded)}…; {_REMEDY}"
            )
            fault = self.fault("damaged", f"shards/{name}", words)
            digests[fault.file] = found
            yield fault
        if not digests:
            try:
                self.store.files.require_bytes(file, parts)
            except DamageError as error:
                name = f"records/{record_name(self.record.shard)}"
                yield self.fault("damaged", name, f"does not fit its shard: {error}")

    def content_faults(self, parts: Mapping[str, bytes]) -> Iterator[Fault]:
        """What is wrong with the samples themselves, of files whose bytes are as recorded."""
        name = f"shards/{self.record.shard_file.names[0]}"
        try:
            located = self.store.files.locate(self.record.shard, self.record.shard_file, parts)
        except DamageError as error:
            words = words_of(error, f"{self.store.base.url}/{name}")
            yield self.fault("damaged", name, f"{words}; {_REMEDY}")
            return
        columns = columns_of(located, parts)
        for words in _wrong_rows(self.record, columns):
            yield self.fault("damaged", name, f"{words}; {_REMEDY}")
        for words in wrong_values(self.store.schema, self.store.split, columns):
            yield self.fault("damaged", name, f"{words}; it should never have been written")

    def audit_faults(self) -> Iterator[Fault]:
        """Whether what a filter of `drop_at_write` left out has its reasons."""
        expected = dropped_by_filters(self.record)
        name = f"audit/{record_name(self.record.shard)}"
        if not expected:
            return
        try:
            rows = read_audit_rows(self.store, self.record.shard)
        except FileNotFoundError:
            yield self.fault("missing", name, f"is missing; {_REMEDY}")
        except DamageError as error:
            words = words_of(error, f"{self.store.base.url}/{name}")
            yield self.fault("damaged", name, f"{words}; {_REMEDY}")
        else:
            if sorted(rows) != expected:
                yield self.fault("damaged", name, f"gives reasons for other indices; {_REMEDY}")


def dropped_by_filters(record: Record) -> list[tuple[int, str]]:
    """Index and reason of what filters of `drop_at_write` left out, rising."""
    return sorted(
        (index, reason)
        for reason, rows in record.dropped.items()
        if reason not in INVALID_REASONS
        for index in rows
    )


def read_audit_rows(store: PairStore, shard: int) -> list[tuple[int, str]]:
    """Index and reason of each sample that a filter of `drop_at_write` left out of a shard."""
    name = f"audit/{record_name(shard)}"
    where = f"{store.base.url}/{name}"
    document = unseal(store.base.read(name, at_most=_AUDIT_BYTES), where)
    if (document.get("spec_digest"), document.get("shard")) != (store.spec_digest, shard):
        raise DamageError(f"{where} is of another set or shard; files were swapped")
    try:
        return [(int(row["index"]), str(row["reason"])) for row in document["dropped"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DamageError(f"{where} holds no rows of index and reason ({error!r})") from error


def wrong_values(schema: PairSchema, split: str, columns: Columns) -> Iterator[str]:
    """What no sample of this schema may have: wrong labels, NaN, Inf, values out of range."""
    label, rule = columns.get("label"), schema.label
    if label is not None and rule is not None and len(label):
        if not 0 <= label.min() <= label.max() < rule.num_classes:
            yield f"holds labels outside 0 to {rule.num_classes - 1}"
        elif rule.rule != "stored":
            index, seed = columns["index"], schema.noise.seed
            right = derive_labels(rule, seed=seed, split=split, index=index)
            if not np.array_equal(label, right):
                yield f"holds labels that the rule '{rule.rule}' does not give"
    endless = [
        name
        for name in ("x_0", "x_T", "states")
        if name in columns and not _is_finite(columns[name])
    ]
    yield from (f"holds {name} with NaN or Inf" for name in endless)
    ends = schema.value_range
    if ends is not None and "x_0" not in endless and not _is_within(columns["x_0"], ends):
        yield f"holds x_0 outside {ends[0]:g} to {ends[1]:g}"


def _wrong_rows(record: Record, columns: Columns) -> Iterator[str]:
    if content_digest(columns) != record.content_digest:
        yield "does not hold the content that was recorded"
    if columns["index"].tolist() != record.kept_indices():
        yield "does not hold the indices that its record lists"


def _is_finite(array: NDArray[Any]) -> bool:
    if array.dtype.kind == "u":
        return True
    with np.errstate(invalid="ignore"):  # of Inf - Inf
        # The sum of finite numbers in float64 is finite: one pass, no copy.
        return bool(np.isfinite(array.sum(dtype=np.float64)))


def _is_within(x_0: NDArray[Any], value_range: tuple[float, float]) -> bool:
    """Whether stored values lie in the range; bytes by the number that each stands for."""
    if not x_0.size:
        return True
    low, high = float(x_0.min()), float(x_0.max())
    if x_0.dtype == np.uint8:
        # By either rule a byte b stands for numbers from (b - 128) / 127.5 to (b - 127) / 127.5.
        return (low - 127) / 127.5 >= value_range[0] and (high - 128) / 127.5 <= value_range[1]
    # Rounding keeps order, so what was in the range lies within its rounded ends.
    ends = [float(x_0.dtype.type(end)) for end in value_range]
    return min(ends[0], value_range[0]) <= low and high <= max(ends[1], value_range[1])
