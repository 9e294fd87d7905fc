"""A folder for what only its owner may read."""

import stat
from collections.abc import Collection
from dataclasses import replace

from storage.folders.folder import Folder
from storage.folders.local_folder import LocalFolder

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private(folder: Folder) -> Folder:
    """The same place; on a disk it is made with the mode 0700 and its files with 0600.

    Elsewhere the storage's own policy decides who may read, and this changes nothing.
    """
    return replace(folder, is_private=True) if isinstance(folder, LocalFolder) else folder


def holds_privately(folder: Folder, names: Collection[str]) -> bool:
    """Whether these files are there and, on a disk, nobody but their owner may look at any of them.

    A copy of a folder, or a change of modes, may have opened it to others.
    """
    if not all(map(folder.exists, names)):
        return False
    if not isinstance(folder, LocalFolder):
        return True
    places = [folder.path, *map(folder.local_path, folder.names())]
    return not any(place.stat().st_mode & _OTHERS for place in places)
