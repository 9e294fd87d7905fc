"""`kdm rm`: remove one thing from a home, unless others rest on it."""

import json
from collections.abc import Callable
from pathlib import PurePath

import typer

from flows.commands.find import KINDS, found, matching, things
from flows.commands.table import num_bytes
from flows.request import home_folder
from kdm.trained import read_config
from storage.fs import Folder
from storage.options import nearest
from storage.sets import read_spec


def rm(name: str, home: str, *, is_confirmed: bool, is_forced: bool) -> None:
    """Remove `name` (NAME, NAME-DIGEST or KIND/NAME); a ValueError lists what rests on it."""
    kind, folder = _find(name, home)
    resting = _RESTING.get(kind, _nothing)(home_folder(home), folder)
    if resting and not is_forced:
        raise ValueError(
            f"{kind}/{folder.name} is what {', '.join(resting)} rest on; remove them first, or "
            "give --force: what they say stays, but cannot be made or checked again"
        )
    if not is_confirmed:
        size = num_bytes(folder.num_bytes())
        typer.confirm(f"Remove {kind}/{folder.name} ({size})?", abort=True)
    home_folder(home).remove(f"{kind}/{folder.name}")
    typer.echo(f"removed {folder.url}")


def _find(name: str, home: str) -> tuple[str, Folder]:
    kind, slash, rest = name.partition("/")
    if slash:
        if kind not in KINDS:
            raise ValueError(f"no kind '{kind}'; {nearest(kind, list(KINDS))}")
        return kind, found(home, kind, rest)
    place = home_folder(home)
    kinds = [each for each in KINDS if matching(place, each, name)]
    if len(kinds) > 1:
        choices = " or ".join(f"{each}/{name}" for each in kinds)
        raise ValueError(f"'{name}' is the name of several things; say {choices}")
    if not kinds:
        known = [each for kind in KINDS for each in things(place, kind)]
        raise ValueError(f"{place.url} has no '{name}'; {nearest(name, known)}")
    return kinds[0], found(home, kinds[0], name)


def _pairs_of_teacher(home: Folder, teacher: Folder) -> list[str]:
    config = read_config(teacher)
    weights = config["weights"]["sha256"] if config else None
    pairs = home / "pairs"
    return [
        f"pairs/{name}"
        for name in things(home, "pairs")
        if (pairs / name).exists("spec.json")
        and read_spec(pairs / name).get("teacher", {}).get("weights") == weights
    ]


def _students_of_pairs(home: Folder, pairs: Folder) -> list[str]:
    students = home / "students"
    return [
        f"students/{name}"
        for name in things(home, "students")
        if (students / name).exists("job.json") and _source(students / name) == pairs.name
    ]


def _source(student: Folder) -> str:
    job = json.loads(student.read("job.json"))
    return PurePath(job["source"].get("url", "")).name


def _nothing(home: Folder, folder: Folder) -> list[str]:
    return []


_RESTING: dict[str, Callable[[Folder, Folder], list[str]]] = {
    "teachers": _pairs_of_teacher,
    "pairs": _students_of_pairs,
}
