"""Runs a recipe from Python, as `kdm run` does without Prefect: same names, same bytes."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flows.api.arguments import (
    MOST,
    Named,
    checked_settings,
    one_of,
    place,
    shown,
    stage_device,
    texts,
    whole,
)
from flows.api.loaded_student import TrainedStudent, student_in
from flows.api.pair_set import PairSet, open_pairs
from flows.api.places import home_named
from flows.api.python_run import progress_log, said_log, torch_as_before
from flows.judged_pairs import masks_in
from flows.request import STAGES, Request
from flows.stage import StageResult
from flows.stages.sequence import run_stages
from storage.folders import folder_at


@dataclass(frozen=True)
class RecipeRun:
    """What a run has made, or has found made."""

    pairs: PairSet | None  # None: it ended before pairs
    students: tuple[TrainedStudent, ...]  # in the recipe's order
    report: str  # the path or URL of report.html; empty if it ended before


def run_recipe(
    recipe: Named,
    *,
    until: str = STAGES[-1],
    settings: Mapping[str, Any] | None = None,
    students: Sequence[str] = (),
    count: int | None = None,
    device: str = "auto",
    home: Named = "",
) -> RecipeRun:
    """Run the stages of a recipe up to `until`; what is there already is found, not made again.

    `recipe` is a name or the path of a YAML file (docs/recipes.md). `settings` change it, by place, as
    `--set` does: {"pairs.train": 2000}. `students` are those to train, all by default; `count` is the number
    of training indices. `home` is $KDM_HOME or ./kdm-home by default. Raises a ValueError or a StoreError.
    """
    place("recipe", recipe)
    one_of("until", until, STAGES)
    stage_device(device)
    if count is not None:
        whole("count", count, 1, MOST)
    chosen = texts("students", students, "students' names")
    asked = Request(
        os.fspath(recipe),
        home=home_named(home).url,
        count=count,
        overrides=_overrides(checked_settings(settings, "run_recipe")),
        students=chosen,
        device=device,
        until=until,
    )
    with torch_as_before():
        run = replace(asked.run(progress_log()), say=said_log)
        results = run_stages(run, until=until, students=chosen)
    by_stage = {result.stage: result for result in results}
    reported = by_stage.get("eval-report")
    trained = [result for result in results if result.stage == "distill"]
    return RecipeRun(
        _pairs(run.recipe.pairs, by_stage),
        tuple(student_in(folder_at(each.folder)) for each in trained),
        f"{reported.folder}/report.html" if reported else "",
    )


def _overrides(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """As `--set` takes them: JSON is YAML."""
    try:
        return tuple(
            f"{path}={json.dumps(value, default=os.fspath)}" for path, value in settings.items()
        )
    except TypeError as error:
        raise ValueError(
            f"run_recipe: settings is {shown(settings)}; its values must be numbers, texts, paths, or lists "
            "and mappings of them"
        ) from error


def _pairs(pairs: Any, by_stage: Mapping[str, StageResult]) -> PairSet | None:
    result = by_stage.get("filter-pairs") or by_stage.get("generate-pairs")
    if result is None:
        return None
    masks = None if result.stage == "generate-pairs" else [m.decision for m in masks_in(result)]
    return open_pairs(result.folder, count=pairs.train, layout=pairs.layout, masks=masks)
