"""A home: the folder where everything is stored, and how a name that the user types is found in it."""

import logging
import os
import re

from flows.settings import settings
from storage.did_you_mean import nearest
from storage.digest import NAME_DIGITS
from storage.folders import Folder, folder_at

_LOG = logging.getLogger(__name__)
HOME_VARIABLE = "KDM_HOME"
DEFAULT_HOME = "./kdm-home"
KINDS = (
    *("teachers", "pairs", "students", "classifiers", "references", "features"),
    *("studies", "filtered", "proofs", "audits", "reports"),
)
ANALYSES = "analyses"  # what studies found of students: files without names
_THING = re.compile(rf"(.+)-[0-9a-f]{{{NAME_DIGITS}}}")


def usual_home() -> str:
    """$KDM_HOME, else the home of the settings' file, else ./kdm-home, as it was written."""
    return os.environ.get(HOME_VARIABLE) or settings().home or DEFAULT_HOME


def home_folder(home: str = "") -> Folder:
    """The home that was named, else the usual one; made absolute here. A ValueError if none can be there."""
    place = home or usual_home()
    if place.startswith("memory:"):
        raise ValueError(
            "a home at memory:// ends with its process, and training is another process; "
            "use a path, or s3://bucket/kdm"
        )
    folder = folder_at(place)
    if folder.is_local and folder.local_path().is_file():
        raise ValueError(
            f"the home {folder.url} is a file; name a folder, which may be a new one, with --home, "
            f"{HOME_VARIABLE} or the settings ('kdm config' shows which holds)"
        )
    _LOG.info("home %s", folder.url)
    return folder


def things(home: Folder, kind: str) -> list[str]:
    """Every NAME-DIGEST of a kind."""
    return [name for name in (home / kind).names() if _THING.fullmatch(name)]


def matching(home: Folder, kind: str, name: str) -> list[str]:
    """The thing with exactly this name, else all things with this name before their digest."""
    known = things(home, kind)
    return [name] if name in known else [each for each in known if bare(each) == name]


def found(home: str, kind: str, name: str) -> Folder:
    """The one folder of a kind that `name` means: a path, NAME-DIGEST or NAME.

    Raises a ValueError if none or several have that name.
    """
    if "/" in name:
        return folder_at(name)
    place = home_folder(home)
    matches = matching(place, kind, name)
    if len(matches) == 1:
        return place / kind / matches[0]
    if matches:
        raise ValueError(f"several {kind} are called '{name}': {', '.join(matches)}; name one")
    known = things(place, kind)
    raise ValueError(f"{(place / kind).url} has no '{name}'; {nearest(name, known)}")


def listed(home: Folder, name: str) -> tuple[str, str]:
    """Kind and NAME-DIGEST of the one thing that `name` means: [KIND/]NAME or [KIND/]NAME-DIGEST.

    Never a path: the result is directly below its kind, as `kdm ls` lists it. A ValueError
    says what there is instead.
    """
    stated = name.removesuffix("/")  # as a shell completes the name of a folder
    kind, slash, bare_name = stated.rpartition("/")
    if slash and kind not in KINDS:
        raise ValueError(f"no kind '{kind}' in '{name}'; {nearest(kind, list(KINDS))}")
    kinds = [kind] if slash else list(KINDS)
    found = [(each, match) for each in kinds for match in matching(home, each, bare_name)]
    if len(found) == 1:
        return found[0]
    if found:
        choices = " or ".join(f"{each}/{match}" for each, match in found)
        raise ValueError(f"'{name}' is the name of several things; say {choices}")
    known = [each for each_kind in kinds for each in things(home, each_kind)]
    where = (home / kind).url if slash else home.url
    raise ValueError(f"{where} has no '{bare_name}'; {nearest(bare_name, known)}")


def bare(name: str) -> str:
    """NAME of NAME-DIGEST."""
    match = _THING.fullmatch(name)
    return match[1] if match else name
