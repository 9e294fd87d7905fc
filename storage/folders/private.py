"""A folder for what only its owner may read."""

from dataclasses import replace

from storage.folders.folder import Folder
from storage.folders.local_folder import LocalFolder


def private(folder: Folder) -> Folder:
    """The same place; on a disk it is made with the mode 0700 and its files with 0600.

    Elsewhere the storage's own policy decides who may read, and this changes nothing.
    """
    return replace(folder, is_private=True) if isinstance(folder, LocalFolder) else folder
