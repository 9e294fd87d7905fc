"""A student's numbers as they were measured once, read without torch."""

from typing import Any

from storage.digest import unseal
from storage.errors import DamageError
from storage.fs import Folder


def read_metrics(folder: Folder) -> dict[str, Any] | None:
    """A student's metrics document; None where it has none, or a damaged one (it is made anew)."""
    if not folder.exists("metrics.json"):
        return None
    try:
        document = unseal(folder.read("metrics.json"), f"{folder.url}/metrics.json")
    except DamageError:
        return None
    document.pop("digest")
    return document
