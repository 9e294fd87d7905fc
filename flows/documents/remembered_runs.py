"""What a home remembers of its runs, so that `eval-report` works without a recipe."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import Any

from flows.config.recipe import Recipe
from flows.documents.reproduction import write_recipe
from flows.progress import Reporter, silent
from flows.stage import Asked, Run, StageResult
from storage.digest import seal, unseal
from storage.errors import DamageError
from storage.folders import Folder
from storage.options import parse

FILE = "run.json"
_WRITING = Lock()  # students that are trained at once are remembered in turn


@dataclass(frozen=True)
class KnownRun:
    """A recipe with its judged pairs and the students that were trained."""

    run: Run
    judged: StageResult
    students: tuple[StageResult, ...]


def remember(run: Run, judged: StageResult, student: StageResult) -> None:
    """Remember the recipe and its results, with folders relative to the home.

    Students that were already remembered stay, in the recipe's order.
    """
    with _WRITING:
        _remember(run, judged, student)


def _remember(run: Run, judged: StageResult, student: StageResult) -> None:
    folder = run.report_folder()
    folder.sweep()
    pairs = _kept(run.home, judged)
    kept = {student.facts["student"]: _kept(run.home, student)}
    before = _document(folder)
    if before is not None and before["judged"] == pairs:
        kept = {each["facts"]["student"]: each for each in before["students"]} | kept
    asked = run.asked.model_dump(mode="json")
    if before is not None and not run.asked.recipe:
        asked = before.get("asked", asked)
    document = {
        "recipe": run.recipe.document(),
        "asked": asked,
        "judged": pairs,
        "students": [kept[each.name] for each in run.recipe.students if each.name in kept],
    }
    data = seal(document)
    if not folder.exists(FILE) or folder.read(FILE) != data:
        write_recipe(run, folder)
        folder.replace(FILE, data)


def remembered(run: Run) -> tuple[StageResult, ...]:
    """The recipe's students that were ever trained in this home and still exist."""
    document = _document(run.report_folder())
    kept = document["students"] if document else []
    return tuple(
        student
        for student in (_found(run.home, each) for each in kept)
        if student.place.exists("config.json")
    )


def known_runs(home: Folder, report: Reporter = silent) -> Iterator[KnownRun]:
    """Every run of a home whose students still exist."""
    for name in (home / "reports").names():
        folder = home / "reports" / name
        document = _document(folder)
        if document is None:
            continue
        where = f"{folder.url}/{FILE}"
        recipe = parse(Recipe, document["recipe"], where)
        asked = parse(Asked, document.get("asked", {}), where)  # older homes lack it
        run = Run(recipe, home, report, asked=asked)
        students = remembered(run)
        if students:
            yield KnownRun(run, _found(home, document["judged"]), students)


def known_student(home: Folder, student: Folder) -> tuple[KnownRun, StageResult]:
    """The run that trained a student, which knows its pairs; a ValueError if none of the home does."""
    for known in known_runs(home):
        for each in known.students:
            if each.place.name == student.name:
                return known, each
    raise ValueError(
        f"no run of {home.url} records the pairs of {student.name}; run 'kdm distill' or "
        "'kdm evaluate' with its recipe first"
    )


def _document(folder: Folder) -> dict[str, Any] | None:
    if not folder.exists(FILE):
        return None
    try:
        return unseal(folder.read(FILE), f"{folder.url}/{FILE}")
    except DamageError:
        return None  # the recipe's next run writes it again


def _kept(home: Folder, result: StageResult) -> dict[str, Any]:
    place = result.folder.removeprefix(f"{home.url}/")
    return {**asdict(replace(result, folder=place, state="cached"))}


def _found(home: Folder, kept: dict[str, Any]) -> StageResult:
    place = str(kept["folder"])
    is_elsewhere = place.startswith("/") or "://" in place  # stored pairs of another home
    return StageResult(**{**kept, "folder": place if is_elsewhere else (home / place).url})
