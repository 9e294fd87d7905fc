"""kdm.json of a repository: what lies in it, file by file, sealed; a pull trusts no file that isn't on it.

The card (README.md) isn't: people write on it in the browser. What is derived for the Hub's viewer isn't
either, because nobody pulls it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from kdm.hub.hub_address import KINDS, Kind
from kdm.hub.travelling import may_travel
from storage.digest import NAME_DIGITS, seal, short, unseal
from storage.errors import DamageError

BILL = "kdm.json"
README = "README.md"
MAX_BILL_BYTES = 2**26  # half a million files
_VERSION = 1
_DIGEST = re.compile("[0-9a-f]{64}")
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,199}}-[0-9a-f]{{{NAME_DIGITS}}}")


class Listed(NamedTuple):
    """A file as the bill lists it."""

    sha256: str
    num_bytes: int


@dataclass(frozen=True)
class Bill:
    """All files of one thing."""

    kind: Kind
    name: str  # NAME-DIGEST, as at the home that it comes from
    digest: str  # of a set's spec, or of what a model was trained from: the one in its name, whole
    files: Mapping[str, Listed]
    card: str = (
        ""  # the git object of the card that was pushed; another one was written in the browser
    )

    def data(self) -> bytes:
        """The file; equal bills have equal bytes."""
        return seal(
            {
                "version": _VERSION,
                "kind": self.kind,
                "name": self.name,
                "thing": self.digest,
                "card": self.card,
                "files": {path: list(each) for path, each in self.files.items()},
            }
        )

    @property
    def num_bytes(self) -> int:
        """Bytes of all files."""
        return sum(each.num_bytes for each in self.files.values())


def read_bill(data: bytes, where: str) -> Bill:
    """The bill in `data`; a DamageError names what is wrong with it, without repeating what it says."""
    document = unseal(data, where)
    if document.get("version") != _VERSION:
        raise DamageError(
            f"{where} has version {str(document.get('version'))[:20]}; this release reads version "
            f"{_VERSION}: use the release that pushed it"
        )
    kind, name, digest = (str(document.get(key)) for key in ("kind", "name", "thing"))
    if kind not in KINDS or not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest):
        raise DamageError(f"{where} names no thing of a home; it wasn't written by 'kdm push'")
    if not name.endswith(f"-{short(digest)}"):
        raise DamageError(f"{where} names a thing whose name has another digest; don't use it")
    files = document.get("files")
    listed = _listed(files, where) if isinstance(files, dict) else {}
    for path in listed:
        if not may_travel(kind, path):
            raise DamageError(f"{where} lists {path[:120]!r}, which is no file of a {kind}")
    if not listed:
        raise DamageError(f"{where} lists no files; it wasn't written by 'kdm push'")
    return Bill(kind, name, digest, listed, str(document.get("card", "")))


def _listed(files: Mapping[str, Any], where: str) -> dict[str, Listed]:
    found: dict[str, Listed] = {}
    for path, each in files.items():
        match each:
            case [str(sha256), int(size)] if _DIGEST.fullmatch(sha256) and size >= 0:
                found[path] = Listed(sha256, size)
            case _:
                raise DamageError(f"{where} lists {path[:120]!r} without its sha256 and size")
    return found
