"""What a finish does to students of digits, beside as many steps of their own loss (`make trials`; long).

The control is the same second training with an anchor that outweighs the distance, so that both students
have seen as many samples, and differ in nothing but the distance.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from trials.test_digits_students import Values, measured

from flows.config.load import load_recipe
from kdm.metrics.over_seeds import over_seeds

pytestmark = pytest.mark.trials

SEEDS, NAMES = (0, 1, 2), ("kdm", "regression")
NUM_STEPS = 400  # of the first training: a finish is for a student that has room
WITHOUT_DISTANCE = {"kind": "distribution", "anchor": 1000}
# Of the control's mean. What a finish may not do, whatever it gains.
AT_MOST = {"frechet_over_teachers": 1.15, "paired_over_class_shuffled": 1.05}


def students(of: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """One as it is after its first training, which the others finish."""
    name = f"{of['name']}-{seed}"
    first = {**of, "training": {**of["training"], "seed": seed, "num_steps": NUM_STEPS}}
    control = {**first, "name": f"{name}-control", "finish": WITHOUT_DISTANCE, "after": name}
    return [{**first, "name": name, "finish": {"kind": "distribution"}}, control]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Values]:
    """The numbers of each student and seed. The home is kept below KDM_TRIALS_HOME."""
    recipe = load_recipe("digits-from-scratch").document()["students"]
    chosen = [each for each in recipe if each["name"] in NAMES]
    seeded = [one for seed in SEEDS for each in chosen for one in students(each, seed)]
    named = os.environ.get("KDM_TRIALS_HOME")
    home = Path(named) / "digits" if named else tmp_path_factory.mktemp("finish")
    return measured(home, seeded)


@pytest.mark.parametrize("name", NAMES)
def test_a_finish_costs_neither_distribution_nor_pairs(
    values: Mapping[str, Values], name: str
) -> None:
    found: dict[str, dict[str, Any]] = {}
    for number in AT_MOST:
        for kind in ("", "-finished", "-control"):
            rows = [values[f"{name}-{seed}{kind}"][number] for seed in SEEDS]
            found.setdefault(number, {})[kind] = over_seeds(rows)
    print(json.dumps({name: found}))
    for number, most in AT_MOST.items():
        finished, control = (found[number][kind][0] for kind in ("-finished", "-control"))
        assert finished <= most * control, (number, found[number])
