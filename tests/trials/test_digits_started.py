"""Regression on digits' pairs from its teacher's weights and from random ones (`make trials`).

Three seeds of each at equal steps, 11 CPU minutes; the report's numbers are printed (`pytest -s`).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from trials.test_digits_students import SEEDS, Values, measured

from flows.config.load import load_recipe

pytestmark = pytest.mark.trials

PAIRED = "paired_over_class_shuffled"


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Values]:
    """Of each student and seed; all learn from one set. The home is kept below KDM_TRIALS_HOME."""
    named = os.environ.get("KDM_TRIALS_HOME")
    home = Path(named) / "digits" if named else tmp_path_factory.mktemp("digits")
    return measured(home, students())


def students() -> list[dict[str, Any]]:
    """The recipe's regression, whose U-Net has the teacher's sizes, and the same from its weights."""
    recipe = load_recipe("digits-from-scratch").document()
    known = next(each for each in recipe["students"] if each["name"] == "regression")
    model = {name: each for name, each in known["model"].items() if name != "network"}
    return [known, {**known, "name": "started", "model": {**model, "init": "teacher"}}]


def over_seeds(values: Mapping[str, Values], name: str) -> list[float]:
    return [values[f"{name}-{seed}" if seed else name][PAIRED] for seed in SEEDS]


def test_a_student_that_starts_from_its_teacher_is_closer_to_it_after_as_many_steps(
    values: Mapping[str, Values],
) -> None:
    started, random = over_seeds(values, "started"), over_seeds(values, "regression")
    assert max(started) < min(random), (started, random)
    assert mean(started) < 0.75 * mean(random), (started, random)
