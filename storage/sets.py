"""A set's folder: its spec, and the splits and layouts below it."""

import re
from collections.abc import Mapping
from typing import Any

from storage.digest import NAME_DIGITS, digest_of, short, unseal
from storage.errors import DamageError, MismatchError
from storage.formats.layout import require_layout
from storage.fs import Folder

MAX_SPEC_BYTES = 2**20
SPEC_VERSION = 1
_NAMED = re.compile(rf"(.+)-([0-9a-f]{{{NAME_DIGITS}}})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def read_spec(folder: Folder) -> dict[str, Any]:
    """A set's spec, checked against its own digest; `DamageError` where another release wrote it."""
    data = folder.read("spec.json", at_most=MAX_SPEC_BYTES)
    document = unseal(data, f"{folder.url}/spec.json")
    version = document.get("version", SPEC_VERSION)
    if version != SPEC_VERSION:
        raise DamageError(
            f"{folder.url}/spec.json has version {str(version)[:20]}; this release reads version "
            f"{SPEC_VERSION}: use the release that wrote it"
        )
    return {key: value for key, value in document.items() if key != "digest"}


def places(folder: Folder) -> list[tuple[str, str]]:
    """Split and layout of everything that was ever begun in a set; others' folders are none.

    Nor are empty ones: nothing in them was promised.
    """
    return [
        (split, layout)
        for split in filter(_NAME.fullmatch, folder.names())
        for layout in filter(_is_layout, (folder / split).names())
        if (folder / split / layout).names()
    ]


def own_spec(folder: Folder) -> dict[str, Any]:
    """The spec of a set that is opened; `MismatchError` where its folder is called by another's digest."""
    spec = read_spec(folder)
    named, digest = _NAMED.fullmatch(folder.name), short(digest_of(spec))
    if named and named[2] != digest:
        raise MismatchError(
            f"{folder.url}/spec.json is that of the set {digest}…, and the folder's name is another's: "
            f"files were swapped, or the folder was renamed; call it {named[1]}-{digest}, or restore its "
            "own files"
        )
    return spec


def splits_of(folder: Folder) -> list[str]:
    """`SPLIT/LAYOUT` of everything in a set that has records."""
    return [
        f"{split}/{layout}"
        for split, layout in places(folder)
        if (folder / split / layout).exists("records")
    ]


def require_split(split: str) -> None:
    """Raise a ValueError where a split's name could be anything but a folder's."""
    if not _NAME.fullmatch(split):
        raise ValueError(
            f"split is {split!r}; it must be letters, digits, '-' and '_', as in 'train'"
        )


def require_equal_specs(there: Any, wanted: Mapping[str, Any], folder: Folder) -> None:
    """Raise a MismatchError that names the fields in which two specs differ."""
    fields = differing_fields(there, wanted)
    if fields:
        raise MismatchError(
            f"{folder.url} holds pairs of another spec; they differ in {', '.join(fields)}: "
            "use another folder, or set these fields as spec.json has them"
        )


def num_rows(spec: Mapping[str, Any], split: str, where: str) -> int | None:
    """Indices of an imported set's split; None where a set has no end."""
    rows = spec.get("rows")
    if not isinstance(rows, Mapping) or split not in rows:
        return None
    match rows[split]:
        case [int(first), int(end)] if 0 <= first < end:
            return end - first
    raise DamageError(
        f"{where}: rows.{split} is {rows[split]!r}; it must be [first, end] with 0 <= first < end"
    )


def differing_fields(left: Any, right: Any, path: str = "") -> list[str]:
    """Dotted paths at which two JSON values differ."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        keys = sorted({*left, *right})
        below = (
            differing_fields(left.get(key), right.get(key), f"{path}.{key}".lstrip("."))
            for key in keys
        )
        return [name for names in below for name in names]
    return [] if left == right else [path]


def _is_layout(name: str) -> bool:
    try:
        require_layout(name)
    except ValueError:
        return False
    return True
