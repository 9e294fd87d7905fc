"""Things at a home by the name that a user types."""

from flows.request import home_folder
from storage.fs import Folder
from storage.options import nearest

KINDS = ("teachers", "pairs", "students", "reports")


def found(home: str, kind: str, name: str) -> Folder:
    """The one folder of a kind: a path, a whole name, or a name whose digest is left out.

    Raises a ValueError where there is none, or where several have that name.
    """
    if "/" in name:
        return Folder.at(name)
    place = home_folder(home) / kind
    names = place.names()
    matches = [name] if name in names else [each for each in names if bare(each) == name]
    if len(matches) == 1:
        return place / matches[0]
    if matches:
        raise ValueError(f"several {kind} are called '{name}': {', '.join(matches)}; name one")
    raise ValueError(f"{place.url} has no '{name}'; {nearest(name, names)}")


def bare(name: str) -> str:
    """NAME of NAME-DIGEST."""
    return name.rpartition("-")[0] or name
