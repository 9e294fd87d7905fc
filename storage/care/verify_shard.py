"""One shard at rest against its record: its files' bytes, and what they hold."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from storage.care.audit import dropped_by_filters, read_audit_rows
from storage.care.fault import Fault, Kind, words_of
from storage.care.verify_values import wrong_values
from storage.digest import digest_of, sha256_of, short
from storage.errors import DamageError
from storage.formats.column import columns_of
from storage.records import Columns, content_digest
from storage.shard_record import Record, record_name
from storage.store import PairStore

_REMEDY = "run 'kdm pairs repair'"


class ShardReport(NamedTuple):
    """What was found in a shard: faults, and what the files with other bytes hold instead."""

    faults: list[Fault]
    digests: dict[str, str]  # what files with wrong bytes have for sha256, by names below the set


def shard_report(store: PairStore, record: Record, *, deep: bool) -> ShardReport:
    """Compare a shard's files with its record; `deep` decodes them too."""
    about = _About(store, record)
    parts, report = about.read()
    report.faults.extend(about.bytes_faults(parts, report.digests))
    if not report.faults:
        report.faults.extend(about.sum_faults(parts))
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

    def sum_faults(self, parts: Mapping[str, bytes]) -> Iterator[Fault]:
        """Whether a record's sums are those of its files, each of which is as recorded."""
        file, total = self.record.shard_file, sum(map(len, parts.values()))
        digest = digest_of(dict(file.parts)) if file.parts else file.file_digest
        if (total, digest) != (file.num_bytes, file.file_digest):
            name = f"records/{record_name(self.record.shard)}"
            words = f"says {file.num_bytes:,} bytes, its shard has {total:,}, or sums other digests"
            yield self.fault("damaged", name, f"{words}; {_REMEDY}")

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


def _wrong_rows(record: Record, columns: Columns) -> Iterator[str]:
    if content_digest(columns) != record.content_digest:
        yield "does not hold the content that was recorded"
    if columns["index"].tolist() != record.kept_indices():
        yield "does not hold the indices that its record lists"
