"""The documents of filters beside the shards: each against its own digest, its place and its shard."""

import base64
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from storage.care.fault import Fault, Kind, words_of
from storage.digest import short
from storage.errors import DamageError
from storage.folders import Folder
from storage.mask_documents import DOCUMENT, decision_in, read_document

_STRAY: dict[Kind, str] = {
    "foreign": "isn't a mask's file",
    "extra": "judges a shard that isn't there",
}
_REMEDY = "run 'kdm pairs repair', then filter-pairs"


class JudgedShard(NamedTuple):
    """What is known of a shard by its content digest."""

    shard: int
    kept: int | None  # rows; None without a sound record


def stray_kind(name: str, contents: Container[str]) -> Kind | None:
    """Why nothing reads the file `name` below the masks of these contents; None if a reader may."""
    match = DOCUMENT.fullmatch(name)
    if match is None or not _is_whole(match):
        return "foreign"
    is_of_shard = match["content"] not in (None, "decision")
    return "extra" if is_of_shard and match["content"] not in contents else None


def mask_faults(
    masks: Folder,
    names: Iterable[str],
    shards: Mapping[str, JudgedShard],
    *,
    place: str,
    is_all_known: bool = True,
) -> list[Fault]:
    """Faults of the documents `names` below `masks`, which is at `place` below the set.

    Unless all shards are known, one that judges an unknown shard isn't a fault.
    """
    judged = _Judgements(masks, shards, place, is_all_known)
    there = sorted(names)
    for name in there:
        judged.check(name)
    judged.find_gaps(set(there))
    return judged.found


@dataclass
class _Judgements:
    """The masks of one split in one layout, and what was found wrong with them so far."""

    masks: Folder
    shards: Mapping[str, JudgedShard]
    place: str
    is_all_known: bool
    found: list[Fault] = field(default_factory=list)
    # Rows that a decision drops and rows that its audit explains, by score, decision and content.
    _dropped: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def check(self, name: str) -> None:
        """Read one document and note what is wrong with it."""
        stray = stray_kind(name, self.shards)
        if stray == "extra" and not self.is_all_known:
            return
        if stray is not None:
            self._note(stray, name, f"{_STRAY[stray]}; see 'kdm pairs gc'")
            return
        match = DOCUMENT.fullmatch(name)
        assert match is not None  # else it would be a stray
        shard = self.shards.get(match["content"] or "")
        try:
            document = read_document(self.masks, name)
            _require_place(document, match)
            if shard is not None:
                self._count(document, match, shard)
        except DamageError as error:
            number = None if shard is None else shard.shard
            words = words_of(error, f"{self.masks.url}/{name}")
            self._note("damaged", name, f"{words}; {_REMEDY}", number)

    def find_gaps(self, there: set[str]) -> None:
        """Note documents that others rest on and that are not there."""
        wanted: dict[str, int | None] = {}
        reach: dict[tuple[str, str], int] = {}  # the last shard that each decision is about
        for match in filter(None, map(DOCUMENT.fullmatch, there)):
            score, decision = match["score"], match["decision"]
            wanted[f"{score}/filter.json"] = None
            if decision:
                wanted[f"{score}/decisions/{decision}/decision.json"] = None
                shard = self.shards.get(match["content"] or "")
                reach[score, decision] = max(
                    reach.get((score, decision), -1), shard.shard if shard else -1
                )
        for (score, decision), last in reach.items():
            wanted |= self._decided(score, decision, last)
        for name in sorted(set(wanted) - there):
            self._note("missing", name, "is missing; run filter-pairs again", wanted[name])

    def _decided(self, score: str, decision: str, last: int) -> dict[str, int | None]:
        """A decided shard has scores, decision and audit, and so have all shards before it."""
        parts = ("scores", f"decisions/{decision}", f"audit/{decision}")
        return {
            f"{score}/{part}/{content}.json": shard.shard
            for content, shard in self.shards.items()
            if shard.shard <= last
            for part in parts
        }

    def _count(self, document: Mapping[str, Any], match: re.Match[str], shard: JudgedShard) -> None:
        """Check that a shard's document is about as many rows as the shard has."""
        part = match["part"].partition("/")[0]
        if part == "scores":
            _require_rows(len(_packed(document, "scores", "<f8")), shard.kept)
            return
        if part == "decisions":
            keep = _packed(document, "keep", np.uint8)
            _require_rows(len(keep), shard.kept)
            num_dropped = int((keep == 0).sum())
        else:
            rows = document.get("dropped")
            num_dropped = len(rows) if isinstance(rows, list) else -1
        key = (match["score"], match["decision"], match["content"])
        if self._dropped.setdefault(key, num_dropped) != num_dropped:
            raise DamageError("decision and audit drop different numbers of samples")

    def _note(self, kind: Kind, name: str, words: str, shard: int | None = None) -> None:
        sentence = f"{self.masks.url}/{name} {words}"
        self.found.append(Fault(kind, shard, f"{self.place}/{name}", sentence))


def _is_whole(match: re.Match[str]) -> bool:
    """Whether the parts of the name go together."""
    part, content = match["part"].partition("/")[0], match["content"]
    allowed = {"filter": content is None, "decisions": content is not None}
    return allowed.get(part, content is not None and content != "decision")


def _require_place(document: dict[str, Any], match: re.Match[str]) -> None:
    """Raise DamageError if a document is where another one belongs."""
    if match["part"] == "filter":
        found = {"score": document["digest"]}
    else:
        found = {name: str(document.get(name)) for name in ("score", "decision", "content")}
    if match["content"] == "decision":
        decision_in(document, "decision.json")
    for name, digest in found.items():
        expected = match[name] if name in match.groupdict() else None
        if expected not in (None, "decision", digest, short(digest)):
            raise DamageError(f"it is of another {name}; files were swapped")


def _packed(document: Mapping[str, Any], name: str, dtype: Any) -> np.ndarray[Any, Any]:
    try:
        packed = document[name]
        array = np.frombuffer(base64.b64decode(packed["base64"], validate=True), dtype)
        _require_rows(len(array), packed["num_rows"])
    except (KeyError, TypeError, ValueError) as error:
        raise DamageError(f"its field '{name}' can't be decoded ({error!r})") from error
    return array


def _require_rows(found: int, expected: int | None) -> None:
    if expected is not None and found != expected:
        raise DamageError(f"it is about {found:,} rows, the shard has {expected:,}")
