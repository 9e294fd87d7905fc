"""What students learned from, according to their sealed documents: config.json or, before it, checkpoints."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import Folder

_CONFIG = "config.json"
_CHECKPOINT = re.compile(r"step-[0-9]{8,}\.json")


def sealed_sources(student: Folder) -> Iterator[Mapping[str, Any]]:
    """What the student learns from, according to its config or its checkpoints."""
    names = [_CONFIG] if student.exists(_CONFIG) else _checkpoints(student)
    for name in names:
        where = f"{student.url}/{name}"
        source = sealed_field(sealed_document(student, name), where, "identity").get("source")
        yield source if isinstance(source, dict) else {}  # an imported student learned elsewhere


def _checkpoints(student: Folder) -> list[str]:
    names = filter(_CHECKPOINT.fullmatch, (student / "checkpoints").names())
    return [f"checkpoints/{name}" for name in names]


def sealed_document(folder: Folder, name: str) -> dict[str, Any]:
    """A document that must be there; a DamageError if it is missing or was changed."""
    where = f"{folder.url}/{name}"
    try:
        return unseal(folder.read(name), where)
    except FileNotFoundError:
        raise DamageError(f"{where} is missing; restore it") from None


def sealed_field(document: Any, where: str, *path: str) -> Any:
    """A value inside a document; a DamageError that names it if it isn't there."""
    for key in path:
        if not isinstance(document, dict) or key not in document:
            raise DamageError(f"{where} lacks '{'.'.join(path)}'; restore it")
        document = document[key]
    return document
