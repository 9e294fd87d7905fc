"""MeanFlow on digits' pairs beside reflow and regression, at equal training FLOPs (`make trials`).

Three seeds of each, about 19 CPU minutes; the report's numbers are printed (`pytest -s`).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from trials.test_digits_students import SEEDS, Values, measured, with_seeds

from flows.config.load import load_recipe
from kdm.flops import step_flops
from kdm.students.plugin import GROUP, StudentPlugin
from storage.plugins import configure

pytestmark = pytest.mark.trials

NAMES = ("regression", "reflow", "mean-flow")
PAIRED = "paired_over_class_shuffled"
NUM_STEPS = 800  # of regression


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Values]:
    """Of each student and seed; all learn from one set. The home is kept below KDM_TRIALS_HOME."""
    named = os.environ.get("KDM_TRIALS_HOME")
    home = Path(named) / "digits" if named else tmp_path_factory.mktemp("digits")
    return measured(home, with_seeds(students()))


def students() -> list[dict[str, Any]]:
    """One U-Net each, regression as in the recipe, and as many steps as its FLOPs allow."""
    recipe = load_recipe("digits-from-scratch").document()
    known = next(each for each in recipe["students"] if each["name"] == "regression")
    flow = {"network": known["model"]["network"]}
    models = {name: {"plugin": name, **flow} for name in NAMES} | {"regression": known["model"]}
    schema, size = load_recipe("digits-from-scratch").pairs.pairs, known["training"]["batch_size"]
    flops = {name: step_flops(plugin(model), schema, size).total for name, model in models.items()}
    training = {**known["training"], "num_steps": NUM_STEPS}
    budget = NUM_STEPS * flops["regression"]
    return [
        {
            "name": name,
            "model": model,
            "training": {**training, "num_steps": round(budget / flops[name])},
        }
        for name, model in models.items()
    ]


def plugin(model: dict[str, Any]) -> StudentPlugin:
    found = configure(GROUP, model)
    assert isinstance(found, StudentPlugin)
    return found


def over_seeds(values: Mapping[str, Values], name: str) -> list[float]:
    return [values[f"{name}-{seed}" if seed else name][PAIRED] for seed in SEEDS]


def test_mean_flow_learns_its_pairs_in_one_step_and_is_near_reflow(
    values: Mapping[str, Values],
) -> None:
    found = {name: over_seeds(values, name) for name in NAMES}
    assert max(found["mean-flow"]) < 0.11, found
    assert mean(found["mean-flow"]) < 1.25 * mean(found["reflow"]), found
