"""Sealed documents of a folder that can be made again."""

from typing import Any

from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import Folder


def read_sealed(folder: Folder, name: str) -> dict[str, Any] | None:
    """The document; None if it isn't there or is damaged: then whoever asks makes it again."""
    if not folder.exists(name):
        return None
    try:
        return unseal(folder.read(name), f"{folder.url}/{name}")
    except DamageError:
        return None
