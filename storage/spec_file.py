"""A set's `spec.json`: read, checked against its digest and against the folder's name."""

import re
from collections.abc import Mapping
from typing import Any

from storage.differing_fields import differing_fields
from storage.digest import NAME_DIGITS, digest_of, short, unseal
from storage.errors import DamageError, MismatchError
from storage.folders import Folder
from storage.options import parse
from storage.records import PairSchema

MAX_SPEC_BYTES = 2**20
SPEC_VERSION = 1
_NAMED = re.compile(rf"(.+)-([0-9a-f]{{{NAME_DIGITS}}})")


def read_spec(folder: Folder) -> dict[str, Any]:
    """A set's spec, checked against its own digest; `DamageError` if another release wrote it."""
    data = folder.read("spec.json", at_most=MAX_SPEC_BYTES)
    document = unseal(data, f"{folder.url}/spec.json")
    version = document.get("version", SPEC_VERSION)
    if version != SPEC_VERSION:
        raise DamageError(
            f"{folder.url}/spec.json has version {str(version)[:20]}; this release reads version "
            f"{SPEC_VERSION}: use the release that wrote it"
        )
    return {key: value for key, value in document.items() if key != "digest"}


def own_spec(folder: Folder) -> dict[str, Any]:
    """The spec of a set that is opened; `MismatchError` if its folder's name has another digest."""
    spec = read_spec(folder)
    named, digest = _NAMED.fullmatch(folder.name), short(digest_of(spec))
    if named and named[2] != digest:
        raise MismatchError(
            f"{folder.url}/spec.json is that of the set {digest}…, and the folder's name is another's: "
            f"files were swapped, or the folder was renamed; call it {named[1]}-{digest}, or restore its "
            "own files"
        )
    return spec


def schema_in(spec: Mapping[str, Any], folder: Folder) -> PairSchema:
    """What one pair of a set is; a ValueError names what is wrong with it."""
    return parse(PairSchema, spec.get("pairs"), f"{folder.url}/spec.json: pairs")


def num_rows(spec: Mapping[str, Any], split: str, where: str) -> int | None:
    """Indices of an imported set's split; None if a set can grow without end."""
    rows = spec.get("rows")
    if not isinstance(rows, Mapping) or split not in rows:
        return None
    match rows[split]:
        case [int(first), int(end)] if 0 <= first < end:
            return end - first
    raise DamageError(
        f"{where}: rows.{split} is {rows[split]!r}; it must be [first, end] with 0 <= first < end"
    )


def require_spec(folder: Folder, wanted: Mapping[str, Any]) -> None:
    """Raise a MismatchError that names the fields in which a set's spec differs from the wanted one."""
    fields = differing_fields(read_spec(folder), wanted)
    if fields:
        raise MismatchError(
            f"{folder.url} holds pairs of another spec; they differ in {', '.join(fields)}: "
            "use another folder, or set these fields as spec.json has them"
        )
