"""Which files lie in one split in one layout, and which of them a record or manifest names."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from storage.care.audit import dropped_by_filters
from storage.care.fault import Fault, Kind, words_of
from storage.care.verify_masks import JudgedShard, mask_faults
from storage.errors import DamageError
from storage.folders import FileInfo
from storage.folders.walk import folders_below
from storage.manifest import Manifest
from storage.shard_record import Record, record_name
from storage.store import CLAIMS, PairStore

_NUMBERED = re.compile(r"(records|manifests|audit)/(\d{6,})\.json")
_CLAIM = re.compile(rf"{CLAIMS}/\d{{6,}}\.json")  # of a generator at work, or one that was killed
_LEDGER = ("records", "manifests")
_METADATA_BYTES = 2**20  # of a layout's file that describes the whole set; it has some thousand
_FOLDER = FileInfo(0, 0.0)
_REPAIR, _GC = "run 'kdm pairs repair'", "see 'kdm pairs gc'"
_MOVE = "move it elsewhere, or remove it if nobody needs it"


class Known(NamedTuple):
    """What is remembered of a sound record."""

    content: str
    attempted: int
    kept: int


@dataclass
class Inventory:
    """A listing whose files are explained step by step: records, then manifests, then what is left over.

    Files are listed before any record is read, so a shard that is being written is never taken for
    one that its writer has left behind.
    """

    store: PairStore
    left: dict[
        str, FileInfo
    ]  # files that nothing has explained yet, by their names below the split
    faults: list[Fault] = field(default_factory=list)
    known: dict[int, Known] = field(default_factory=dict)  # by shard
    shard_of_digest: dict[str, int] = field(default_factory=dict)  # by a file's recorded sha256
    _shard_of_content: dict[str, int] = field(default_factory=dict)
    _asked_for: set[int] = field(default_factory=set)  # shards whose record was read or missed
    _frozen: dict[str, int] = field(default_factory=dict)  # shards by the contents of manifests

    @classmethod
    def of(cls, store: PairStore) -> "Inventory":
        """What is there now."""
        return cls(store, dict(sorted({**_folders_in_place(store), **store.base.files()}.items())))

    def numbers(self, folder: str) -> list[int]:
        """Shards with a record or an audit, or sizes with a manifest, that are still unexplained."""
        matches = map(_NUMBERED.fullmatch, filter(_is_numbered, self.left))
        return sorted(int(match[2]) for match in matches if match and match[1] == folder)

    def records(self, shards: Iterable[int]) -> Iterator[Record]:
        """The sound ones; faults of the others are noted."""
        for shard in shards:
            self._asked_for.add(shard)
            name = f"records/{record_name(shard)}"
            self.left.pop(name, None)
            try:
                record = self.store.record(shard)
            except DamageError as error:
                self.note("damaged", name, words_of(error, f"{self.store.base.url}/{name}"), shard)
                continue
            self._take_in(record, name)
            yield record

    def _take_in(self, record: Record, name: str) -> None:
        shard, file = record.shard, record.shard_file
        for part in file.names:
            self.left.pop(f"shards/{part}", None)
            self.shard_of_digest.setdefault(file.parts.get(part, file.file_digest), shard)
        if dropped_by_filters(record):
            self.left.pop(f"audit/{record_name(shard)}", None)
        self.known[shard] = Known(record.content_digest, record.attempted, record.kept)
        before = self._shard_of_content.setdefault(record.content_digest, shard)
        if before != shard and record.kept:
            words = f"records the content of shard {before}; no two shards hold the same"
            self.note("duplicate", name, words, shard)

    def manifests(self, sizes: Sequence[int]) -> None:
        """Each manifest against its digest and against the records."""
        if not sizes:
            words = f"holds none; run generate-pairs to its end, or {_REPAIR}"
            self.note("missing", "manifests", words)
            self._require_records(self._reach)
        disputed: dict[int, list[str]] = {}  # manifests that contradict a shard's record
        confirmed: set[int] = set()
        for size in sizes:
            name = f"manifests/{record_name(size)}"
            self.left.pop(name, None)
            try:
                manifest = self.store.ledger.manifest(size)
            except DamageError as error:
                self.note("damaged", name, words_of(error, f"{self.store.base.url}/{name}"))
                # How many shards it was over cannot be known: no more than its name says.
                self._require_records(min(size, self._reach))
                continue
            for shard in self._contradicted(manifest, confirmed):
                disputed.setdefault(shard, []).append(name)
            self._require_sums(manifest, name)
            self._require_records(manifest.num_shards)
        for shard, names in disputed.items():
            self._tell_disputed(shard, names, is_confirmed=shard in confirmed)

    def _contradicted(self, manifest: Manifest, confirmed: set[int]) -> Iterator[int]:
        for shard, content in enumerate(manifest.content_digests):
            self._frozen.setdefault(content, shard)
            known = self.known.get(shard)
            if known is not None and known.content != content:
                yield shard
            else:
                confirmed.add(shard)

    def _require_sums(self, manifest: Manifest, name: str) -> None:
        known = [self.known[n] for n in range(manifest.num_shards) if n in self.known]
        sums = (sum(each.attempted for each in known), sum(each.kept for each in known))
        if len(known) == manifest.num_shards and sums != (manifest.attempted, manifest.kept):
            words = (
                f"counts {manifest.attempted} asked for and {manifest.kept} kept, records {sums}"
            )
            self.note("damaged", name, f"{words}; {_REPAIR}")

    @property
    def _reach(self) -> int:
        """Shards up to the last one that has a record."""
        return max(self._asked_for, default=-1) + 1

    def _require_records(self, num_shards: int) -> None:
        for shard in sorted(set(range(num_shards)) - self._asked_for):
            self._asked_for.add(shard)
            self.note("missing", f"records/{record_name(shard)}", f"is missing; {_REPAIR}", shard)

    def _tell_disputed(self, shard: int, manifests: list[str], *, is_confirmed: bool) -> None:
        """A record that any manifest confirms is right; one that none confirms is wrong."""
        if is_confirmed:
            for name in manifests:
                self.note(
                    "damaged", name, f"froze another content of shard {shard}; {_REPAIR}", shard
                )
            return
        words = f"records another content than {', '.join(manifests)} froze; {_REPAIR}"
        self.note("damaged", f"records/{record_name(shard)}", words, shard)

    def metadata(self, num_shards: int) -> None:
        """The layout's own files over the whole set; nothing tells how they are before a manifest."""
        for name, expected in self.store.files.metadata(num_shards).items():
            place = f"shards/{name}"
            is_there = self.left.pop(place, None) is not None or self.store.base.exists(place)
            if not is_there and num_shards:
                self.note("missing", place, f"is missing; {_REPAIR}")
            if not is_there or not num_shards:
                continue
            try:
                found = json.loads(self.store.base.read(place, at_most=_METADATA_BYTES))
            except FileNotFoundError:  # a link that leads nowhere
                self.note("missing", place, f"is missing; {_REPAIR}")
                continue
            except (DamageError, ValueError, RecursionError) as error:
                self.note("damaged", place, f"is not readable JSON ({error}); {_REPAIR}")
                continue
            if found != json.loads(expected):
                self.note("damaged", place, f"does not describe this set; {_REPAIR}")

    def masks(self) -> None:
        """The documents of filters: their faults, and which shards they are about."""
        shards = self.judged_shards()
        ledgers = tuple(f"{self.store.split}/{self.store.layout}/{each}" for each in _LEDGER)
        is_all_known = not any(fault.file.startswith(ledgers) for fault in self.faults)
        names = [name for name in self.left if name.startswith("masks/")]
        place = f"{self.store.split}/{self.store.layout}/masks"
        below = (name.removeprefix("masks/") for name in names)
        masks = self.store.base / "masks"
        self.faults += mask_faults(masks, below, shards, place=place, is_all_known=is_all_known)
        for name in names:
            del self.left[name]

    def judged_shards(self) -> dict[str, JudgedShard]:
        """The shards that a record or a manifest names, by content digest."""
        shards = {content: JudgedShard(shard, None) for content, shard in self._frozen.items()}
        return shards | {each.content: JudgedShard(n, each.kept) for n, each in self.known.items()}

    def leftovers(self) -> None:
        """The remaining files: nothing reads them."""
        for name in self.left:
            folder, _, rest = name.partition("/")
            if is_claim(name):
                continue
            if folder == "shards":
                self._tell_shard_file(name, self.store.files.layout.format.shard_of(rest))
            elif (match := _NUMBERED.fullmatch(name)) and _is_numbered(name):
                words = f"is about a shard that isn't there; {_GC}"
                self.note("extra", name, words, int(match[2]))
            else:
                self.note("foreign", name, f"isn't a file of a set; {_MOVE}")

    def _tell_shard_file(self, name: str, shard: int | None) -> None:
        if shard is None:
            self.note("foreign", name, f"isn't a shard's file; {_MOVE}")
        elif shard in self.known:
            words = f"stands for shard {shard}, whose record names another file; {_GC}"
            self.note("duplicate", name, words, shard)
        elif shard in self._asked_for or self.store.records_folder.exists(record_name(shard)):
            return  # its record is damaged, or was written since the listing: not the file's fault
        else:
            self.note(
                "unrecorded", name, f"doesn't have a record, so nothing reads it; {_GC}", shard
            )

    def note(self, kind: Kind, name: str, words: str, shard: int | None = None) -> None:
        """A fault of the file `name` below SPLIT/LAYOUT."""
        place = f"{self.store.split}/{self.store.layout}/{name}"
        self.faults.append(Fault(kind, shard, place, f"{self.store.base.url}/{name} {words}"))


def is_claim(name: str) -> bool:
    """Whether a file below SPLIT/LAYOUT is a generator's claim on a shard."""
    return _CLAIM.fullmatch(name) is not None


def _is_numbered(name: str) -> bool:
    match = _NUMBERED.fullmatch(name)
    return match is not None and name == f"{match[1]}/{record_name(int(match[2]))}"


def _folders_in_place(store: PairStore) -> dict[str, FileInfo]:
    """Folders that bear the name of a document: no listing of files has them."""
    if not store.base.is_local:
        return {}
    names = folders_below(store.base.local_path())
    documents = (name for name in names if _is_numbered(name) or name.startswith("masks/"))
    return {name: _FOLDER for name in documents if name.endswith(".json")}
