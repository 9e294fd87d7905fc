"""Where the set or the student is that a user names: NAME, NAME-DIGEST, a path, a URL, or a Hub name.

Every function of `import kdm` that takes such a name asks here, so that all understand the same names.
"""

import os
from pathlib import Path
from typing import Literal

from flows.home import found, home_folder
from kdm.hub.hub_address import is_repo
from kdm.hub.hub_cache import hub_folder, is_in_cache
from storage.folders import Folder, folder_at

Kind = Literal["pairs", "students"]
Named = str | os.PathLike[str]
_HUB = "hf://"
_DATASETS = "datasets/"  # before the names of data sets in such addresses


def place_of(kind: Kind, name: Named, home: Named) -> Folder:
    """The folder of a set or a student; a ValueError says what there is instead.

    A text with a '/' is a path, a URL or, if no folder here is called so, a repository on the Hub, which is
    asked then (docs/hub.md); any other is a name below the home.
    """
    text = _text(name, "a name")
    if is_on_hub(text):
        return _on_hub(kind, text)
    return found(_home_text(home), kind, text.rstrip("/") or text)


def is_on_hub(name: str) -> bool:
    """Whether `hf://user/name` or `user/name` is meant, which it isn't if a folder here is called so."""
    if name.startswith(_HUB):
        return True
    return is_repo(name.partition("@")[0]) and not Path(name).exists()


def home_named(home: Named) -> Folder:
    """The home of this name; $KDM_HOME or ./kdm-home for an empty one."""
    return home_folder(_home_text(home))


def home_around(url: str, home: Named) -> Folder:
    """The home that was named, else the one that the set at this URL lies in, else the usual one."""
    place, pairs, name = url.rpartition("/pairs/")
    is_within = bool(pairs) and "/" not in name and not is_in_cache(url)
    return folder_at(place) if is_within and not home else home_named(home)


def _on_hub(kind: Kind, name: str) -> Folder:
    """What a repository holds, brought to the cache and verified; `@revision` may follow its name."""
    repo, _, revision = name.removeprefix(_HUB).removeprefix(_DATASETS).partition("@")
    return hub_folder("pairs" if kind == "pairs" else "student", repo, revision)


def _home_text(home: Named) -> str:
    return _text(home, "the home") if home != "" else ""


def _text(name: Named, what: str) -> str:
    if isinstance(name, str) and name:
        return name
    if isinstance(name, os.PathLike):
        return str(Path(name).absolute())  # a path, even if it is one word
    raise ValueError(f"{what} is {name!r}; it must be a name, a path or a URL, as a text or a Path")
