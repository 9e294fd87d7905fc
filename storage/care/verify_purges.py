"""The tombstones of purges: each against its digest and its place, and every record against them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from storage.care.fault import Fault, Kind, words_of
from storage.errors import DamageError
from storage.purges import JOURNAL, PURGES, Purges, purge_name
from storage.shard_record import record_name
from storage.store import PairStore

_FILE = re.compile(
    r"(?P<number>\d{6,})/(?:purge\.json|(?P<split>[A-Za-z0-9_-]+)/(?:rows/(?P<block>\d{6,})"
    r"|(?P<layout>[a-z0-9-]+)/(?P<kind>records|manifests)/(?P<shard>\d{6,}))\.json)"
)
_RESTORE = "restore it from a copy: nothing else says what was removed"


def purge_faults(stores: Sequence[PairStore]) -> list[Fault]:
    """What is wrong below `purges/` of a set, and with records that don't say what was purged."""
    if not stores:
        return []
    found = _Tombstones(stores[0].purges)
    found.check_files()
    found.check_sums()
    if not found.faults:  # else every record of a damaged one would be reported too
        for store in stores:
            found.faults += _contradicting(store)
    return found.faults


@dataclass
class _Tombstones:
    """The purges of a set, and what was found wrong with them so far."""

    purges: Purges
    faults: list[Fault] = field(default_factory=list)

    def check_files(self) -> None:
        """Every file is one that a purge writes, and is as it was written."""
        for name in self.purges.place.files():
            match = _FILE.fullmatch(name)
            if match is None:
                self._note("foreign", name, "isn't a tombstone; remove it")
                continue
            try:
                self._read(match)
            except DamageError as error:
                words = words_of(error, f"{self.purges.place.url}/{name}")
                self._note("damaged", name, f"{words}; {_RESTORE}")

    def _read(self, match: re.Match[str]) -> None:
        number, split, layout = int(match["number"]), match["split"], match["layout"]
        if split is None:
            return  # `check_sums` reads it
        if layout is None:
            self.purges.block(number, split, int(match["block"]))
            return
        former = self.purges.former(number, split, layout)
        if match["kind"] == "records":
            former.record(int(match["shard"]))
        else:
            former.manifest(int(match["shard"]))

    def check_sums(self) -> None:
        """Each purge has its own document, and as many rows as that says."""
        for number in self.purges.numbers:
            name = f"{purge_name(number)}/{JOURNAL}"
            try:
                document = self.purges.tombstone(number)
                missing = self._missing_rows(number, document["splits"])
            except FileNotFoundError:
                self._note("missing", name, f"is missing; {_RESTORE}")
            except DamageError as error:
                words = words_of(error, f"{self.purges.place.url}/{name}")
                self._note("damaged", name, f"{words}; {_RESTORE}")
            else:
                for split, num_rows in missing.items():
                    words = f"counts {num_rows:+,} rows of '{split}' that its files don't have"
                    self._note("missing", name, f"{words}; {_RESTORE}")
                self._require_records(number, document["shards"])

    def _require_records(self, number: int, shards: dict[str, list[int]]) -> None:
        """Every shard that a purge replaced has its record of before."""
        for place, numbers in shards.items():
            former = self.purges.former(number, *place.split("/"))
            for shard in sorted(set(numbers).difference(former.recorded())):
                name = f"{purge_name(number)}/{place}/records/{record_name(shard)}"
                self._note("missing", name, f"is missing; {_RESTORE}")

    def _missing_rows(self, number: int, splits: dict[str, dict[str, int]]) -> dict[str, int]:
        """Rows that a purge's document counts and its files lack, by split."""
        found = {
            split: sum(
                len(self.purges.block(number, split, block)["rows"])
                for block in self.purges.block_numbers(number, split)
            )
            for split in splits
        }
        return {
            split: counts["purged"] - found[split]
            for split, counts in splits.items()
            if counts["purged"] != found[split]
        }

    def _note(self, kind: Kind, name: str, words: str) -> None:
        sentence = f"{self.purges.place.url}/{name} {words}"
        self.faults.append(Fault(kind, None, f"{PURGES}/{name}", sentence))


def _contradicting(store: PairStore) -> Iterator[Fault]:
    """Records that hold what was purged, or that say more than the tombstones do."""
    for shard in store.ledger.recorded():
        try:
            record = store.record(shard)
        except DamageError:
            continue  # `verify` reports it
        if store.purged(shard).among(record.dropped) == record.dropped:
            continue
        name = f"{store.place}/records/{record_name(shard)}"
        words = (
            f"doesn't drop the indices that were purged ({PURGES}/): a copy of before the purge was put "
            "back, or tombstones are missing; purge the set again, or restore what belongs together"
        )
        yield Fault("damaged", shard, name, f"{store.folder.url}/{name} {words}")
