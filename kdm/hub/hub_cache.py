"""A thing of the Hub by its name there, for code that only wants to use it: brought to a cache, verified.

The cache is `~/.cache/kdm/hub`; what is there is brought again only if the repository has changed.
"""

import json
import os
from pathlib import Path

from kdm.hub.hub_address import HubAddress, Kind, is_on_hub
from kdm.hub.offer import look
from kdm.hub.pull import pull
from storage.errors import UnreachableError
from storage.folders import Folder, folder_at

_CACHE = "kdm/hub"
_REFERENCE = "pulled.json"  # which folder a revision was, for times without a network


def hub_folder(address: HubAddress) -> Folder:
    """The verified folder of pairs, a student or a teacher on the Hub.

    Without a network it is the folder that this revision was last time. Raises a `StoreError` if nothing
    can be brought, and a `DamageError` that names the files which aren't as they were pushed.
    """
    own = _cache() / address.repo.replace("/", "--")
    reference = own / address.folder / address.revision.replace("/", "--") / _REFERENCE
    try:
        pulled = pull(look(address), folder_at(str(own)), replaces=True)
    except UnreachableError:
        if not reference.exists():
            raise
        return folder_at(
            str(own / address.folder / json.loads(reference.read_text(encoding="utf-8"))["name"])
        )
    reference.parent.mkdir(parents=True, exist_ok=True)
    said = json.dumps({"name": pulled.folder.name, "commit": pulled.commit})
    reference.write_text(said, encoding="utf-8")
    return pulled.folder


def named_folder(name: str | Path, kind: Kind, revision: str = "") -> Folder:
    """The folder at a path or URL, or what a text names on the Hub (`is_on_hub`), brought here.

    Raises as `HubAddress.named` and `hub_folder`, and a ValueError if a revision is asked of something else.
    """
    if isinstance(name, str) and is_on_hub(name):
        return hub_folder(HubAddress.named(kind, name, revision))
    here = folder_at(str(name))
    if revision:
        raise ValueError(f"{here.url} isn't a repository on the Hub, so that it has no revisions")
    return here


def is_in_cache(url: str) -> bool:
    """Whether the folder at this URL was brought from the Hub by its name: it is not part of a home."""
    return url.startswith(f"{folder_at(str(_cache())).url}/")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _CACHE
