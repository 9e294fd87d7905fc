"""Students of digits, one evaluation against their teacher's 35 (`make trials`; half an hour).

Seed 0 is the recipe as it comes, so that it is held to the bars themselves.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flows.config.load import load_recipe

pytestmark = pytest.mark.trials

Values = Mapping[str, float]
SEEDS = (0, 1, 2)
AT_MOST = {
    "kdm": {"frechet_over_teachers": 3.0, "paired_over_class_shuffled": 0.10},
    "kdm-f": {"frechet_over_teachers": 3.0, "paired_over_class_shuffled": 0.10},
    "regression": {"frechet_over_teachers": 2.5, "paired_over_class_shuffled": 0.07},
}
AT_MOST_OF_ALL = {"paired_over_linear": 0.6}
AT_LEAST = {"variance_over_teachers": 0.90, "class_agreement": 0.99}


@pytest.fixture(scope="module", params=["digits", "digits-from-scratch"])
def values(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Values]:
    """Of each student and seed; all learn from one set. The home is kept below KDM_TRIALS_HOME."""
    named = os.environ.get("KDM_TRIALS_HOME")
    home = Path(named) / "digits" if named else tmp_path_factory.mktemp("digits")
    students = load_recipe(request.param).document()["students"]
    return measured(home, with_seeds(students), recipe=request.param)


def measured(
    home: Path, students: list[Any], *, recipe: str = "digits-from-scratch"
) -> Mapping[str, Values]:
    """Run the recipe with these students; prints the report's numbers and what it took (`pytest -s`)."""
    command = [str(Path(sys.executable).parent / "kdm"), "run", recipe, "--direct"]
    command += ["--home", str(home), "--set", f"students={json.dumps(students)}"]
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    reports = (home / "reports").glob(f"{recipe}-*/metrics.json")
    document = json.loads(max(reports, key=os.path.getmtime).read_text())
    wall = time.monotonic() - started
    print(json.dumps({"wall_s": round(wall), "cpu_s": round(cpu), **document}))
    return {name: each["values"] for name, each in document["students"].items()}


def with_seeds(students: list[Any]) -> list[dict[str, Any]]:
    """Each of them with each seed."""
    return [with_seed(student, seed) for seed in SEEDS for student in students]


def with_seed(student: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Seed 0 has the recipe's own name, so that what the recipe trained is not trained again."""
    name = f"{student['name']}-{seed}" if seed else student["name"]
    return {**student, "name": name, "training": {**student["training"], "seed": seed}}


def missed(name: str, values: Values) -> list[str]:
    """The bars that a student does not reach, each with its number."""
    at_most = {**AT_MOST[name], **AT_MOST_OF_ALL}
    above = [
        f"{key} {values[key]:.4g} > {bar}" for key, bar in at_most.items() if values[key] > bar
    ]
    below = [
        f"{key} {values[key]:.4g} < {bar}" for key, bar in AT_LEAST.items() if values[key] < bar
    ]
    return above + below


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", AT_MOST)
def test_a_student_of_digits_reaches_its_bars(
    values: Mapping[str, Values], name: str, seed: int
) -> None:
    assert missed(name, values[f"{name}-{seed}" if seed else name]) == []
