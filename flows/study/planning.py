"""From a request to the plan of a study: everything is read and checked here, before any work."""

import json
from collections.abc import Iterator
from typing import Any

from flows.config.asked import Asked
from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.config.recipe_files import read_recipe
from flows.config.stored_pairs import StoredPairs
from flows.device import require_device
from flows.home import home_folder
from flows.study.measures import require_measures
from flows.study.study import Study
from flows.study.study_files import read_study
from flows.study.study_request import StudyRequest
from flows.study.trials import Plan, Trial
from kdm.analyze.analysis import Analysis
from storage.folders import Folder
from storage.options import parse

_STUDENT = "student."  # how a place within the point's student begins


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


def _trials(study: Study, data: str, home: Folder) -> Iterator[Trial]:
    on = study.on[data]
    name = on.recipe or data
    first = _first_student(name)
    for point in study.points_on(data):
        student = point.student or on.student or first
        for seed in study.seeds_on(data):
            changes = {**on.set, **point.set, "student.training.seed": seed}
            overrides = tuple(_override(place, value, student) for place, value in changes.items())
            try:
                recipe = load_recipe(name, overrides=overrides, home=home)
            except ValueError as error:
                raise ValueError(f"study '{study.name}', point '{point.name}': {error}") from error
            recipe = _alone(recipe, student)
            recipe.require_learnable(recipe.students)
            recipe.require_measurable()
            yield Trial(
                point, seed, recipe, Asked(recipe=name, overrides=overrides, students=(student,))
            )


def _override(place: str, value: Any, student: str) -> str:
    """As --set takes it; 'student.' means the point's own student."""
    if place.startswith(_STUDENT):
        place = f"students.{student}.{place.removeprefix(_STUDENT)}"
    return f"{place}={json.dumps(value)}"


def _first_student(recipe: str) -> str:
    students = read_recipe(recipe).get("students") or [{}]
    return str(students[0].get("name", ""))


def _alone(recipe: Recipe, student: str) -> Recipe:
    """The recipe without its other students."""
    return recipe.model_copy(
        update={"students": tuple(each for each in recipe.students if each.name == student)}
    )


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
