"""Why pairs are missing, as strangers may know it: which indices, for which reason, not how near they were.

Records say as much. Scores and thresholds are reports on the private data (docs/privacy.md).
"""

from collections.abc import Callable, Sequence
from typing import Any

from storage.digest import seal, unseal
from storage.folders import Folder
from storage.purges import JOURNAL, MAX_BYTES, PURGES
from storage.store import PairStore

_TOLD = ("index", "reason")
_AUDIT = "audit"


def told_reasons(folder: Folder, stores: Sequence[PairStore]) -> dict[str, bytes]:
    """Tombstones of purges and audits of `drop_at_write`, by their names in the set."""
    found = {
        f"{PURGES}/{name}": _told(folder / PURGES, name, _of_purge)
        for name in (folder / PURGES).files()
    }
    for store in stores:
        audit = store.base / _AUDIT
        place = f"{store.place}/{_AUDIT}"
        found |= {f"{place}/{name}": _told(audit, name, _of_audit) for name in audit.names()}
    return found


def _told(
    folder: Folder, name: str, tell: Callable[[str, dict[str, Any]], dict[str, Any]]
) -> bytes:
    data = folder.read(name, at_most=MAX_BYTES)
    document = unseal(data, f"{folder.url}/{name}")
    told = tell(name, document)
    if told is document:
        return data
    return seal({key: told[key] for key in told if key not in ("digest", "stamp_digest")})


def _of_purge(name: str, document: dict[str, Any]) -> dict[str, Any]:
    if name.endswith(JOURNAL):
        return {**document, "rule": {}}
    if "rows" in document:
        rows = [{**_plain(row), "score": None, "also": []} for row in document["rows"]]
        return {**document, "rows": rows}
    return document  # records and manifests of before: digests and counts


def _of_audit(_name: str, document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "dropped": list(map(_plain, document["dropped"]))}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in _TOLD}
