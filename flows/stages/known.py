"""What a home remembers of its runs, so that `eval-report` can go on without a recipe at hand."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from flows.progress import Reporter, silent
from flows.recipe import Recipe
from flows.stages.run import Run, StageResult
from storage.digest import seal, unseal
from storage.fs import Folder
from storage.options import parse


@dataclass(frozen=True)
class KnownRun:
    """A recipe with its judged pairs and the students that were trained."""

    run: Run
    judged: StageResult
    students: tuple[StageResult, ...]


def remember(run: Run, judged: StageResult, students: Sequence[StageResult]) -> None:
    """Keep the recipe and what became of it, with folders relative to the home."""
    folder = run.report_folder()
    document = {
        "recipe": run.recipe.document(),
        "judged": _kept(run.home, judged),
        "students": [_kept(run.home, student) for student in students],
    }
    data = seal(document)
    if not folder.exists("run.json") or folder.read("run.json") != data:
        folder.replace("run.json", data)


def known_runs(home: Folder, report: Reporter = silent) -> Iterator[KnownRun]:
    """Every run of a home whose students are all still there."""
    for name in (home / "reports").names():
        folder = home / "reports" / name
        if not folder.exists("run.json"):
            continue
        where = f"{folder.url}/run.json"
        document = unseal(folder.read("run.json"), where)
        run = Run(parse(Recipe, document["recipe"], where), home, report)
        students = tuple(_found(home, kept) for kept in document["students"])
        if all(Folder.at(student.folder).exists("config.json") for student in students):
            yield KnownRun(run, _found(home, document["judged"]), students)


def _kept(home: Folder, result: StageResult) -> dict[str, Any]:
    place = result.folder.removeprefix(f"{home.url}/")
    return {**asdict(replace(result, folder=place, state="cached"))}


def _found(home: Folder, kept: dict[str, Any]) -> StageResult:
    return StageResult(**{**kept, "folder": (home / kept["folder"]).url})
