"""Which recipes the things in a home come from, as finished runs remembered it."""

from contextlib import suppress
from typing import Any, NamedTuple

from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import Folder

RUN = "run.json"


class Remembered(NamedTuple):
    """What a run left beside its report."""

    report: str  # its folder below reports/
    recipe: str
    overrides: tuple[str, ...]
    things: frozenset[str]  # KIND/NAME of what it made or found


def remembered_runs(home: Folder, reports: list[str]) -> list[Remembered]:
    """The reports that can be read; the next run rewrites a damaged one."""
    found = []
    for name in reports:
        folder = home / "reports" / name
        with suppress(FileNotFoundError, DamageError):
            document = unseal(folder.read(RUN), f"{folder.url}/{RUN}")
            found.append(_remembered(name, document))
    return found


def recipes_by_thing(runs: list[Remembered]) -> dict[str, str]:
    """The recipes of each thing, by KIND/NAME."""
    recipes: dict[str, set[str]] = {}
    for run in runs:
        for thing in (*run.things, f"reports/{run.report}"):
            recipes.setdefault(thing, set()).add(run.recipe)
    return {thing: ", ".join(sorted(names)) for thing, names in recipes.items()}


def _remembered(name: str, document: dict[str, Any]) -> Remembered:
    judged, asked = document["judged"], document.get("asked", {})
    things = {judged["folder"], *(each["folder"] for each in document["students"])}
    things |= {judged["facts"].get("teacher_folder", "")} - {""}
    changes = (*asked.get("overrides", ()), *_counted(asked.get("count")))
    return Remembered(name, document["recipe"]["name"], changes, frozenset(things))


def _counted(count: int | None) -> tuple[str, ...]:
    return () if count is None else (f"count={count}",)
