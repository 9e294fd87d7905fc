"""The set that a command names."""

from flows.home import home_folder
from storage.folders import Folder, folder_at
from storage.set_folder import splits_of


def require_set(folder: Folder) -> None:
    """Raise a ValueError if a folder holds no set."""
    if not folder.exists("spec.json"):
        raise ValueError(f"{folder.url} holds no set of pairs (no spec.json); see 'kdm pairs ls'")


def home_of(folder: Folder, home: str) -> Folder:
    """The home that contains a set, else the named one."""
    place, pairs, name = folder.url.rpartition("/pairs/")
    return folder_at(place) if pairs and name == folder.name else home_folder(home)


def layouts_by_split(folder: Folder) -> dict[str, list[str]]:
    """The layouts that each split of a set has."""
    found: dict[str, list[str]] = {}
    for place in splits_of(folder):
        split, layout = place.split("/")
        found.setdefault(split, []).append(layout)
    return found
