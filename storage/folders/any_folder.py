"""The folder that a path or URL names: on a disk of this machine, or on a file system behind a network.

Both kinds are made of the abstract `Folder` (storage/folders/folder.py), which doesn't know them.
"""

import re

from storage.folders.addresses import require_whole_address
from storage.folders.folder import Folder
from storage.folders.local_folder import LocalFolder
from storage.folders.untouched import guarded
from storage.redaction import require_no_secret

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")


def folder_at(url: str) -> Folder:
    """The folder at a path or URL, made absolute at once; nothing is created.

    Raises a ValueError, which never repeats the URL, if it isn't one or holds a secret.
    """
    require_no_secret(url, "the place")
    require_whole_address(url)
    scheme, is_url, _ = url.partition("://")
    if not is_url or scheme.lower() == "file":
        return guarded(LocalFolder.at(url))
    if not _SCHEME.fullmatch(scheme):
        raise ValueError("what comes before '://' is not a protocol; write it as s3://bucket/kdm")
    # Imported here, because a local store needs none of it.
    from storage.folders.remote_folder import RemoteFolder

    return guarded(RemoteFolder.at(url))
