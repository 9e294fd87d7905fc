"""Rows of a table of sets: counts, sizes and when they were finished."""

import re
from datetime import UTC, datetime

from flows.documents.counts import split_counts
from flows.documents.mask_counts import masked_by_decision
from flows.table import num_bytes
from storage.digest import digest_of
from storage.errors import DamageError, MismatchError, StoreError, UnfinishedPurgeError
from storage.folders import Folder
from storage.purges import Purges
from storage.set_folder import splits_of
from storage.spec_file import own_spec
from storage.store import PairStore

PAIRS_HEAD = ["name", "split/layout", "indices", "kept", "masked", "dropped", "size", "finished"]
UNKNOWN = "–"
_MANIFEST = re.compile(r"manifests/\d{6,}\.json")  # and nothing that others put beside one


def moment(seconds: float) -> str:
    """'2026-11-29 08:38' in local time; unknown if the file system doesn't say."""
    if not seconds:
        return UNKNOWN
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M}"


def pairs_rows(folder: Folder) -> list[list[str]]:
    """One row per split and layout of a set."""
    rows, files = [], folder.files()
    for place in splits_of(folder):
        split, layout = place.split("/")
        found = {name: each for name, each in files.items() if name.startswith(f"{place}/")}
        size = num_bytes(sum(each.num_bytes for each in found.values()))
        below = {name.removeprefix(f"{place}/"): each for name, each in found.items()}
        manifests = [each for name, each in below.items() if _MANIFEST.fullmatch(name)]
        finished = moment(max((each.modified_at for each in manifests), default=0))
        rows.append([folder.name, place, *_counts(folder, split, layout), size, finished])
    size = num_bytes(sum(each.num_bytes for each in files.values()))
    return rows or [[folder.name, "empty", "0", "0", UNKNOWN, "0", size, UNKNOWN]]


def purged_words(folder: Folder) -> list[str]:
    """'5 of 128 by 0b8ef6925cc7' for each purge of a set; none if the set can't be read."""
    try:
        return Purges(folder, digest_of(own_spec(folder))).words()
    except (StoreError, FileNotFoundError, ValueError):
        return []


def _counts(folder: Folder, split: str, layout: str) -> tuple[str, str, str, str]:
    try:
        store = PairStore.open(folder, split=split, layout=layout)
        counts, masked = split_counts(store), masked_by_decision(store)
    except UnfinishedPurgeError:
        return "?", "?", "?", "half purged: see 'kdm pairs verify'"
    except (DamageError, MismatchError, ValueError):
        return "?", "?", "?", "damaged: see 'kdm pairs verify'"
    kept = _from_to([counts.kept - each for each in reversed(masked or [0])])
    dropped = counts.attempted - counts.kept
    return f"{counts.attempted:,}", kept, _from_to(masked), f"{dropped:,}"


def _from_to(numbers: list[int]) -> str:
    """'21', or '21–95' for several decisions; '–' if the pairs weren't filtered."""
    if not numbers:
        return UNKNOWN
    ends = [f"{number:,}" for number in sorted({numbers[0], numbers[-1]})]
    return "–".join(ends)
