"""Reads a student's measured numbers, without torch."""

from typing import Any

from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import Folder


def read_metrics(folder: Folder) -> dict[str, Any] | None:
    """A student's metrics document; None if it's missing or damaged (it's then made again)."""
    if not folder.exists("metrics.json"):
        return None
    try:
        document = unseal(folder.read("metrics.json"), f"{folder.url}/metrics.json")
    except DamageError:
        return None
    document.pop("digest")
    return document
