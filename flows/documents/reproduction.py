"""The command line that reproduces a report's students, tested before it's printed."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.config.recipe_files import recipe_names
from flows.config.stored_pairs import StoredPairs
from flows.stage import Asked, Run
from storage.errors import StoreError
from storage.folders import Folder
from storage.yaml_text import yaml_text

RECIPE_FILE = "recipe.yaml"
_NOT_LOCAL = (
    f"Download {RECIPE_FILE}, which is next to this page, and run the command where you saved it: "
    "it contains the recipe with every option."
)
_RESOLVED = (
    f"The command reads {RECIPE_FILE} next to this page, the recipe with every option, because the file "
    "or the options that the run was started with are not stored in the report."
)


@dataclass(frozen=True)
class Reproduction:
    """The command line, and its other needs."""

    line: str
    notes: tuple[str, ...] = field(default=())


def reproduction(run: Run, names: Sequence[str], *, command: str = "run") -> Reproduction:
    """A command line that gives the same recipe and these students, and its other needs.

    A recipe of this project is named with its options. Any other may have changed since, or be
    elsewhere: then the line uses the resolved recipe, which is next to the report.
    """
    document = run.recipe.document()
    notes = _needs_of_place(document)
    home = run.home.url if _rests_on_home(run.recipe) else ""
    asked, is_whole = run.asked, set(names) == {each.name for each in run.recipe.students}
    if asked.recipe in recipe_names() and _is_of(asked, run):
        # A preset that the recipe doesn't list is there only because it was named.
        is_named = bool(asked.students) or not is_whole
        students = tuple(dict.fromkeys((*names, *asked.students))) if is_named else ()
        return Reproduction(_command_line(command, asked, students=students, home=home), notes)
    folder = run.report_folder()
    where = RECIPE_FILE if "://" in folder.url else f"{folder.url}/{RECIPE_FILE}"
    students = () if is_whole else tuple(names)
    line = _command_line(command, Asked(recipe=where), students=students, home=home)
    return Reproduction(line, (_NOT_LOCAL if "://" in folder.url else _RESOLVED, *notes))


def write_recipe(run: Run, folder: Folder) -> None:
    """Write the recipe with every default resolved; `kdm run` reads the file."""
    folder.replace(RECIPE_FILE, yaml_text(run.recipe.document()).encode())


def _is_of(asked: Asked, run: Run) -> bool:
    """Whether the request still gives this recipe."""
    try:
        found = load_recipe(
            asked.recipe,
            overrides=asked.overrides,
            count=asked.count,
            home=run.home,
            students=asked.students,
        )
    except (ValueError, StoreError):
        return False
    return found.digest() == run.recipe.digest()


def _rests_on_home(recipe: Recipe) -> bool:
    is_stored = isinstance(recipe.pairs, StoredPairs)
    return is_stored or (recipe.teacher is not None and recipe.teacher.stored is not None)


def _command_line(command: str, asked: Asked, *, students: Collection[str] = (), home: str) -> str:
    """`kdm COMMAND RECIPE …`, quoted for a shell; without --home if `home` is empty."""
    words = ["kdm", command, asked.recipe]
    words += ["--count", str(asked.count)] if asked.count is not None else []
    for flag, values in (("--set", asked.overrides), ("--student", students)):
        words += [word for value in values for word in (flag, value)]
    words += ["--home", home] if home else []
    return shlex.join(words)


def _needs_of_place(document: dict[str, Any]) -> tuple[str, ...]:
    """Sentences about what a recipe reads and a command line doesn't contain."""
    dataset, teacher = document.get("dataset") or {}, document.get("teacher") or {}
    found = []
    if dataset.get("source"):
        found.append(f"It reads the real data at {dataset['source']}.")
    if teacher.get("stored"):
        found.append(f"It needs the stored teacher {teacher['stored']}.")
    if document["pairs"]["kind"] == "stored":
        found.append(f"It needs the stored pairs at {document['pairs']['folder']}.")
    if document["pairs"]["kind"] == "imported":
        found.append("It needs the file that the pairs were imported from.")
    return tuple(found)
