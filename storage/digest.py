"""Canonical JSON, sha256, and documents that carry a digest over themselves.

Which fields a digest covers: docs/store.md, 'Files, field by field' and 'Names and digests'.
"""

import hashlib
import json
import mmap
from collections.abc import Mapping
from typing import Any

from storage.errors import DamageError

# Left out of a document's digest and of every comparison: they differ between two equal runs.
STAMP = frozenset({"attempt", "created_at"})
VOLATILE = STAMP | {"digest", "stamp_digest"}
# Twelve hexadecimal digits (48 bits) name a folder; the whole digest stands inside it and is checked.
NAME_DIGITS = 12


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces and no NaN: one value, one string of bytes."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def sha256_of(data: bytes | bytearray | memoryview | mmap.mmap) -> str:
    """The sha256 of `data`, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """The sha256 of a JSON value's canonical form."""
    return sha256_of(canonical_json(value))


def short(digest: str) -> str:
    """The part of a digest that stands in a folder's name."""
    return digest[:NAME_DIGITS]


def seal(document: Mapping[str, Any]) -> bytes:
    """The document as readable JSON with a `digest` over all of it but attempt id and times.

    If it has those, it also has a `stamp_digest` over them, so that every bit is guarded.
    """
    sealed = {**document, **_digests(document)}
    return (json.dumps(sealed, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def unseal(data: bytes, where: str) -> dict[str, Any]:
    """The document in `data`, checked against its own digest.

    Raises `DamageError`, naming `where`, when it is not JSON, not an object, or not what was sealed.
    """
    try:
        # Decoded here: of bytes, json would take UTF-16 and UTF-32 as well.
        document = json.loads(
            data.decode(), parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeated
        )
        # Here too, because a number such as 1e999 is read and cannot be written.
        digests = _digests(document) if isinstance(document, dict) else {}
    except (ValueError, RecursionError) as error:
        raise DamageError(
            f"{where} is not readable JSON ({str(error)[:200]}); restore or remove it"
        ) from error
    if not isinstance(document, dict) or "digest" not in document:
        raise DamageError(f"{where} carries no digest; it was not written by this store or was cut")
    for name, expected in digests.items():
        if document.get(name) != expected:
            raise DamageError(
                f"{where} says {name} {short(str(document.get(name)))}… but its content has "
                f"{short(expected)}…; it was changed after it was written: restore or remove it"
            )
    return document


def without_stamp(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document's lasting fields: without its digests, attempt id and times."""
    return {key: value for key, value in document.items() if key not in VOLATILE}


def _document_digest(document: Mapping[str, Any]) -> str:
    """The digest over a document's lasting fields."""
    return digest_of(without_stamp(document))


def _digests(document: Mapping[str, Any]) -> dict[str, str]:
    stamp = {key: value for key, value in document.items() if key in STAMP}
    digests = {"digest": _document_digest(document)}
    return {**digests, "stamp_digest": digest_of(stamp)} if stamp else digests


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once: of two, each reader could take another."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key appears twice")
    return document
