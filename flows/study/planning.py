"""From a request to the plan of a study: everything is read and checked here, before any work."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.config.recipe_files import read_recipe
from flows.config.stored_pairs import StoredPairs
from flows.device import require_device
from flows.home import home_folder
from flows.stage import Asked
from flows.study.measures import require_measures
from flows.study.study import Point, Study
from flows.study.study_files import read_study
from flows.study.trials import Plan, Trial
from kdm.analyze.analysis import Analysis
from storage.folders import Folder
from storage.options import parse

_STUDENT = "student."  # how a place within the point's student begins


@dataclass(frozen=True)
class StudyRequest:
    """What a user asks for, in plain values; nothing is checked before the study is read."""

    study: str
    on: str
    home: str = ""
    device: str = "auto"
    jobs: int | None = None  # None: one per core


def planned(request: StudyRequest) -> Plan:
    """The plan of a request; a ValueError that names file and key, before any work, if it can't be made."""
    study = parse(Study, read_study(request.study), f"study '{request.study}'")
    study.require(request.on)
    require_device(request.device)
    home = home_folder(request.home)
    trials = tuple(_trials(study, request.on, home))
    _require_analysis(study.analysis_on(request.on), trials)
    plan = Plan(study, request.study, request.on, home, request.device, trials)
    require_measures(plan)
    return plan


def overrides_of(
    study: Study, data: str, point: Point, *, seed: int
) -> tuple[str, tuple[str, ...]]:
    """The name of a point's student, and what the point changes in the recipe, as --set takes it."""
    on = study.on[data]
    student = point.student or on.student or _first_student(on.recipe or data)
    changes = {**on.set, **point.set, "student.training.seed": seed}
    return student, tuple(_override(place, value, student) for place, value in changes.items())


def _trials(study: Study, data: str, home: Folder) -> Iterator[Trial]:
    name = study.on[data].recipe or data
    for point in study.points_on(data):
        known: Recipe | None = None
        for seed in study.seeds_on(data):
            student, overrides = overrides_of(study, data, point, seed=seed)
            asked = Asked(recipe=name, overrides=overrides, students=(student,))
            try:
                known = _with_seed(known, seed) if known else _checked(asked, home)
            except ValueError as error:
                raise ValueError(f"study '{study.name}', point '{point.name}': {error}") from error
            yield Trial(point, seed, known, asked)


def _with_seed(recipe: Recipe, seed: int) -> Recipe:
    """The recipe of another seed, without reading it all again."""
    (student,) = recipe.students
    training = student.training.model_copy(update={"seed": seed})
    return recipe.model_copy(
        update={"students": (student.model_copy(update={"training": training}),)}
    )


def _checked(asked: Asked, home: Folder) -> Recipe:
    """The recipe with the point's student alone; a ValueError if it can't learn or be measured."""
    (student,) = asked.students
    whole = load_recipe(asked.recipe, overrides=asked.overrides, home=home)
    chosen = tuple(each for each in whole.students if each.name == student)
    recipe = whole.model_copy(update={"students": chosen})
    recipe.require_learnable(chosen)
    recipe.require_measurable()
    return recipe


def _override(place: str, value: Any, student: str) -> str:
    """As --set takes it; 'student.' means the point's own student."""
    if place.startswith(_STUDENT):
        place = f"students.{student}.{place.removeprefix(_STUDENT)}"
    return f"{place}={json.dumps(value)}"


def _first_student(recipe: str) -> str:
    students = read_recipe(recipe).get("students") or [{}]
    return str(students[0].get("name", ""))


def _require_analysis(analysis: Analysis | None, trials: tuple[Trial, ...]) -> None:
    """Raise a ValueError if an analysis needs what a point doesn't have."""
    if analysis is None:
        return
    for trial in trials:
        pairs, model = trial.recipe.pairs, trial.recipe.students[0].model
        if "teacher" in analysis.needs and (
            isinstance(pairs, StoredPairs) or trial.recipe.teacher is None
        ):
            raise ValueError(
                f"analysis '{analysis.plugin}' asks the teacher where other noise lands, but the "
                "recipe of point "
                f"'{trial.point.name}' has pairs alone; take one with a teacher"
            )
        if "operator" in analysis.needs and not hasattr(model, "networks"):
            raise ValueError(
                f"analysis '{analysis.plugin}' looks at an operator, but point "
                f"'{trial.point.name}' has student "
                f"'{model.plugin}', which has none; take kdm or kdm-f"
            )
