"""Rows of a table of sets: counts, sizes and when they were finished."""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flows.documents.counts import split_counts
from flows.documents.mask_counts import masked_by_decision
from flows.table import instant, num_bytes
from storage.digest import digest_of
from storage.errors import DamageError, MismatchError, StoreError, UnfinishedPurgeError
from storage.folders import Folder
from storage.purges import Purges
from storage.set_folder import splits_of
from storage.spec_file import own_spec, read_spec
from storage.store import PairStore

PAIRS_HEAD = ["name", "split/layout", "indices", "kept", "masked", "dropped", "size", "finished"]
UNKNOWN = "–"
_COUNTS = dict.fromkeys(("attempted", "kept", "dropped", "masked", "state"))  # not known
_MANIFEST = re.compile(r"manifests/\d{6,}\.json")  # and nothing that others put beside one


def moment(seconds: float) -> str:
    """'2026-11-29 08:38' in local time; unknown if the file system doesn't say."""
    if not seconds:
        return UNKNOWN
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M}"


class PairsRow(NamedTuple):
    """A split of a set in one layout: its cells, and its facts for --json."""

    cells: list[str]
    facts: dict[str, Any]


def pairs_rows(folder: Folder) -> list[PairsRow]:
    """One row per split and layout of a set; one for a set without any."""
    rows, files = [], folder.files()
    for place in splits_of(folder):
        split, layout = place.split("/")
        found = {name: each for name, each in files.items() if name.startswith(f"{place}/")}
        size = sum(each.num_bytes for each in found.values())
        below = {name.removeprefix(f"{place}/"): each for name, each in found.items()}
        manifests = [each for name, each in below.items() if _MANIFEST.fullmatch(name)]
        finished = max((each.modified_at for each in manifests), default=0)
        counts = _counts(folder, split, layout)
        cells = [folder.name, place, *_words(counts), num_bytes(size), moment(finished)]
        facts = {"name": folder.name, "split": split, "layout": layout, "bytes": size}
        rows.append(PairsRow(cells, {**facts, "finished": instant(finished), **counts}))
    return rows or [_empty(folder.name, sum(each.num_bytes for each in files.values()))]


def _empty(name: str, size: int) -> PairsRow:
    cells = [name, "empty", "0", "0", UNKNOWN, "0", num_bytes(size), UNKNOWN]
    facts = {"name": name, "split": None, "layout": None, "bytes": size, "finished": None}
    return PairsRow(cells, {**facts, **_COUNTS, "state": "empty"})


def purged_words(folder: Folder) -> list[str]:
    """'5 of 128 by 0b8ef6925cc7' for each purge of a set; none if the set can't be read."""
    try:
        return Purges(folder, digest_of(own_spec(folder))).words()
    except (StoreError, FileNotFoundError, ValueError):
        return []


def readable_spec(folder: Folder) -> dict[str, Any]:
    """What determines a set, without its digest; empty if it can't be read."""
    try:
        spec = read_spec(folder)
    except (DamageError, MismatchError, FileNotFoundError, ValueError):
        return {}
    return {key: value for key, value in spec.items() if key != "digest"}


def _counts(folder: Folder, split: str, layout: str) -> dict[str, Any]:
    """Attempted indices, pairs that are stored, drops by reason, and what each decision leaves out."""
    try:
        store = PairStore.open(folder, split=split, layout=layout)
        counts, masked = split_counts(store), masked_by_decision(store)
    except UnfinishedPurgeError:
        return {**_COUNTS, "state": "half purged"}
    except (DamageError, MismatchError, ValueError):
        return {**_COUNTS, "state": "damaged"}
    found = counts.attempted, counts.kept, dict(counts.dropped), masked, "readable"
    return dict(zip(_COUNTS, found, strict=True))


def _words(counts: dict[str, Any]) -> tuple[str, str, str, str]:
    if counts["attempted"] is None:
        return "?", "?", "?", f"{counts['state']}: see 'kdm pairs verify'"
    attempted, stored, masked = counts["attempted"], counts["kept"], counts["masked"]
    kept = _from_to([stored - each for each in reversed(masked or [0])])
    return f"{attempted:,}", kept, _from_to(masked), f"{attempted - stored:,}"


def _from_to(numbers: list[int]) -> str:
    """'21', or '21–95' for several decisions; '–' if the pairs weren't filtered."""
    if not numbers:
        return UNKNOWN
    ends = [f"{number:,}" for number in sorted({numbers[0], numbers[-1]})]
    return "–".join(ends)
