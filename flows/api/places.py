"""Where the set or the student is that a user names: NAME, NAME-DIGEST, a path, a URL, or a Hub name.

Every function of `import kdm` that takes such a name asks here, so that all understand the same names.
"""

from typing import Literal

from flows.api.arguments import Named, place
from flows.home import found, home_folder
from kdm.hub.hub_address import HubAddress, is_on_hub
from kdm.hub.hub_cache import hub_folder, is_in_cache
from storage.folders import Folder, folder_at

Kind = Literal["pairs", "students"]
_ON_HUB: dict[Kind, Literal["pairs", "student"]] = {"pairs": "pairs", "students": "student"}


def place_of(kind: Kind, name: Named, home: Named) -> Folder:
    """The folder of a set or a student; a ValueError says what there is instead.

    A text with a '/' is a path, a URL or, if no folder here is called so, a repository on the Hub, which is
    asked then (docs/hub.md); any other is a name below the home.
    """
    text = place("name", name)
    if is_on_hub(text):
        return hub_folder(HubAddress.named(_ON_HUB[kind], text))
    return found(_home_text(home), kind, text.rstrip("/") or text)


def home_named(home: Named) -> Folder:
    """The home of this name; $KDM_HOME or ./kdm-home for an empty one."""
    return home_folder(_home_text(home))


def home_around(url: str, home: Named) -> Folder:
    """The home that was named, else the one that the set at this URL lies in, else the usual one."""
    stated = _home_text(home)
    around, pairs, name = url.rpartition("/pairs/")
    is_within = bool(pairs) and "/" not in name and not is_in_cache(url)
    return folder_at(around) if is_within and not stated else home_folder(stated)


def _home_text(home: Named) -> str:
    return place("home", home) if not isinstance(home, str) or home else ""
