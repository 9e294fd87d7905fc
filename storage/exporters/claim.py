"""What a folder holds of an export: `.export.json`, so that two exports never mix in one folder.

It is written first. It names the set, its content and the masks, so that a stopped export goes on, and
one under other masks is refused. Readers that list a folder by '*' don't see it.
"""

from collections.abc import Mapping
from typing import Any

from storage.digest import digest_of, seal, unseal
from storage.errors import MismatchError
from storage.folders import Folder

DESCRIPTION = ".export.json"
_MAX_DESCRIPTION = 2**20


def claim(folder: Folder, wanted: Mapping[str, Any]) -> str:
    """Write down what the folder will hold; a `MismatchError` if it holds anything else.

    Returns the digest of that, which tells this export from every other.
    """
    folder.sweep()
    require_claimable(folder, wanted)
    folder.create(DESCRIPTION, seal(wanted))
    require_claimable(folder, wanted)  # another may have been faster
    return digest_of(wanted)


def require_claimable(folder: Folder, wanted: Mapping[str, Any]) -> None:
    """A `MismatchError` if a folder holds anything but the wanted export, or a part of it."""
    if not folder.exists(DESCRIPTION):
        if strange := folder.names():
            raise MismatchError(
                f"{folder.url} holds '{strange[0]}', which no export wrote; "
                "export to an empty folder"
            )
        return
    data = folder.read(DESCRIPTION, at_most=_MAX_DESCRIPTION)
    there = unseal(data, f"{folder.url}/{DESCRIPTION}")
    differing = sorted(key for key in wanted if there.get(key) != wanted[key])
    if differing:
        raise MismatchError(
            f"{folder.url} holds an export of other {', '.join(differing)}; export to another "
            "folder, or remove this one first"
        )
