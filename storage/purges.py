"""What was removed from a set for good, and by which decision: the tombstones below `purges/`.

purges/purge.json                        the journal of a purge that isn't finished: nobody reads the set
purges/000001/purge.json                 the same document once it is: the decision, and counts by split
              SPLIT/rows/000000.json     index, score and reason of every removed pair, by blocks of indices
              SPLIT/LAYOUT/records/      records and manifests as they were before: digests and counts,
                           manifests/    no sample

Rows are kept by split and index, so that no layout gets a removed pair back: whatever writes a shard
leaves them out (`PurgedRows.left_out`). How a purge is done: storage/care/purge.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from storage.digest import digest_of, short, unseal
from storage.errors import DamageError, UnfinishedPurgeError
from storage.folders import Folder
from storage.ledger import Ledger
from storage.records import PURGED, Columns
from storage.shard_record import VERSION, PurgeNote, record_name

PURGES, JOURNAL = "purges", "purge.json"
BLOCK = 4096  # indices whose rows are in one file
# A row takes some 300 bytes, and names the other decisions that drop its pair, 80 bytes each.
MAX_BYTES = 32 * 2**20

Row = dict[str, Any]  # index, score, reason, and `also`: other decisions that drop this pair


class PurgedRows(NamedTuple):
    """What purges removed from one shard, or will have removed once they are finished."""

    indices: frozenset[int]
    notes: list[PurgeNote]

    def left_out(
        self, columns: Columns, dropped: Mapping[str, Iterable[int]]
    ) -> tuple[Columns, dict[str, list[int]]]:
        """Columns without the purged rows, and the dropped indices by reason with them."""
        if self.indices:
            keep = ~np.isin(columns["index"], sorted(self.indices))
            columns = {name: column[keep] for name, column in columns.items()}
        return columns, self.among(dropped)

    def among(self, dropped: Mapping[str, Iterable[int]]) -> dict[str, list[int]]:
        """Dropped indices by reason, each rising, with those that were purged; an index has one reason."""
        rows = {reason: set(each) for reason, each in dropped.items() if reason != PURGED}
        purged = self.indices.difference(*rows.values())
        rows |= {PURGED: set(purged)} if purged else {}
        return {reason: sorted(each) for reason, each in sorted(rows.items())}


@dataclass(frozen=True)
class Purges:
    """The purges of one set, an unfinished one included; `purges/` is listed once."""

    folder: Folder  # of the set
    spec_digest: str

    @property
    def place(self) -> Folder:
        """Where all of it is."""
        return self.folder / PURGES

    @cached_property
    def _names(self) -> list[str]:
        return self.place.names()

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(self.place.files()) if self._names else frozenset()

    @property
    def numbers(self) -> list[int]:
        """The purges that were begun, in their order: 1, 2, …"""
        digits = (name for name in self._names if name.isascii() and name.isdecimal())
        return sorted(int(name) for name in digits if name == purge_name(int(name)))

    @property
    def is_unfinished(self) -> bool:
        """Whether a purge was begun and not finished, so that nobody may read the set."""
        return JOURNAL in self._names

    def require_finished(self) -> None:
        """Raise an `UnfinishedPurgeError`, which names the command to go on with, if one was begun."""
        if self.is_unfinished:
            decision = short(str(self.journal()["decision"]))
            raise UnfinishedPurgeError(
                f"{self.folder.url} is being purged, and half of it is done; finish it with "
                f"'kdm pairs purge {self.folder.url} --decision {decision} --yes'"
            )

    def journal(self) -> dict[str, Any]:
        """What an unfinished purge removes."""
        return self._document(JOURNAL)

    def finished(self) -> list[dict[str, Any]]:
        """What each finished purge has removed, in their order."""
        numbers = [n for n in self.numbers if f"{purge_name(n)}/{JOURNAL}" in self._files]
        return list(map(self.tombstone, numbers))

    def tombstone(self, number: int) -> dict[str, Any]:
        """What a finished purge has removed: decision, rule, counts by split, shards by layout."""
        return self._document(f"{purge_name(number)}/{JOURNAL}")

    def words(self, split: str | None = None) -> list[str]:
        """'5 of 128 by 0b8ef6925cc7' for each finished purge, of all splits or of one that it changed."""
        said = []
        for document in self.finished():
            splits = document["splits"]
            counts = [splits[each] for each in splits if split in (None, each)]
            purged, stored = (sum(each[name] for each in counts) for name in ("purged", "stored"))
            if counts:
                said.append(f"{purged:,} of {stored:,} by {short(document['decision'])}")
        return said

    def former(self, number: int, split: str, layout: str) -> Ledger:
        """Records and manifests that a purge replaced, as they were before it."""
        base = self.place / purge_name(number) / split / layout
        return Ledger(base, self.spec_digest, split, layout)

    def rows(self, number: int, split: str, first: int, end: int) -> list[Row]:
        """The rows that one purge removed of the indices first … end − 1, rising."""
        return [
            row
            for document in self._blocks(number, split, first, end)
            for row in document["rows"]
            if first <= row["index"] < end
        ]

    def of_shard(self, split: str, layout: str, shard: int, first: int, end: int) -> PurgedRows:
        """What all purges removed of a shard over the indices first … end − 1."""
        found, notes = set[int](), []
        for number in self.numbers:
            documents = self._blocks(number, split, first, end)
            rows = {r["index"] for each in documents for r in each["rows"]} & {*range(first, end)}
            if rows:
                content = self._content_before(number, split, layout, shard)
                decision = documents[0]["decision"]
                note = PurgeNote(
                    number=number, decision=decision, num_rows=len(rows), content=content
                )
                notes.append(note)
                found |= rows
        return PurgedRows(frozenset(found), notes)

    def replaced(self, split: str, layout: str, num_shards: int) -> list[str]:
        """The digests of the contents that the manifest of this size listed before each purge of them."""
        name = f"{split}/{layout}/manifests/{record_name(num_shards)}"
        numbers = [n for n in self.numbers if f"{purge_name(n)}/{name}" in self._files]
        ledgers = [self.former(number, split, layout) for number in numbers]
        return [digest_of(each.manifest(num_shards).content_digests) for each in ledgers]

    def block_numbers(self, number: int, split: str) -> list[int]:
        """The blocks of indices of which one purge removed rows, rising."""
        place = f"{purge_name(number)}/{split}/rows/"
        stems = (name.removeprefix(place) for name in self._files if name.startswith(place))
        return sorted(int(stem.removesuffix(".json")) for stem in stems if stem[:-5].isdecimal())

    def block(self, number: int, split: str, block: int) -> dict[str, Any]:
        """The rows of one block, checked to be of this set and place."""
        name = rows_name(number, split, block)
        document = self._document(name)
        identity = {"number": number, "split": split, "block": block}
        where = f"{self.place.url}/{name}"
        for key, value in identity.items():
            if document.get(key) != value:
                raise DamageError(f"{where} is of another {key}; files were swapped: restore it")
        _require_rows(document, block, where)
        return document

    def _blocks(self, number: int, split: str, first: int, end: int) -> list[dict[str, Any]]:
        blocks = range(first // BLOCK, (end - 1) // BLOCK + 1)
        there = [each for each in blocks if rows_name(number, split, each) in self._files]
        return [self.block(number, split, each) for each in there]

    def _content_before(self, number: int, split: str, layout: str, shard: int) -> str | None:
        former = self.former(number, split, layout)
        # Not by the listing: a purge writes these records one after the other.
        if not former.records_folder.exists(record_name(shard)):
            return None
        return former.record(shard).content_digest

    def _document(self, name: str) -> dict[str, Any]:
        where = f"{self.place.url}/{name}"
        document = unseal(self.place.read(name, at_most=MAX_BYTES), where)
        if document.get("spec_digest") != self.spec_digest:
            raise DamageError(f"{where} is of another set; files were swapped: restore it")
        if document.get("version") != VERSION:
            raise DamageError(
                f"{where} has format version {str(document.get('version'))[:20]}; this release reads "
                f"version {VERSION}: use the release that wrote it"
            )
        return document


def purge_name(number: int) -> str:
    """The folder of one purge below `purges/`."""
    return f"{number:06d}"


def rows_name(number: int, split: str, block: int) -> str:
    """The file of one block's rows below `purges/`."""
    return f"{purge_name(number)}/{split}/rows/{block:06d}.json"


def _require_rows(document: Mapping[str, Any], block: int, where: str) -> None:
    """Raise a DamageError unless every row has a rising index of its block."""
    try:
        indices = [int(row["index"]) for row in document["rows"]]
        _ = [(str(row["reason"]), list(row["also"])) for row in document["rows"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DamageError(f"{where} holds no rows of index and reason ({error!r})") from error
    rising = indices == sorted(set(indices))
    if not rising or any(index // BLOCK != block for index in indices):
        raise DamageError(f"{where} holds indices that aren't its block's, or don't rise")
