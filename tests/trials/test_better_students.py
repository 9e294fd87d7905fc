"""Which changes make a student better, on digits and on CIFAR-10 at 16×16 (`make trials`; hours).

KDM_TRIALS_SEEDS=1 is the short way. Every student is one of the home's, so what was trained before is found,
and a stopped trial goes on; the home is kept below KDM_TRIALS_HOME, and shared with the other trials'.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import yaml
from published import CIFAR10_TRAIN, published
from scipy.stats import sem, t

from flows.study.study_files import read_study
from storage.digest import unseal

pytestmark = pytest.mark.trials

DATA = ("digits", "cifar16")
Rows = Mapping[str, list[Mapping[str, float]]]  # numbers of each seed, by point


@pytest.fixture(scope="module", params=DATA)
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The study's numbers on one kind of data; prints its table (`pytest -s`)."""
    on, place = request.param, tmp_path_factory.mktemp("better-students")
    named = os.environ.get("KDM_TRIALS_HOME")
    home = (Path(named) if named else place) / on
    file = place / "better-students.yaml"
    file.write_text(yaml.safe_dump(study(on), sort_keys=False))
    kdm = str(Path(sys.executable).with_name("kdm"))
    subprocess.run([kdm, "study", str(file), "--on", on, "--home", str(home)], check=True)
    folders = (home / "studies").glob(f"better-students-on-{on}-*")
    folder = max(folders, key=lambda each: (each / "numbers.json").stat().st_mtime)
    print(f"\n{(folder / 'table.md').read_text()}")
    found: dict[str, list[Mapping[str, float]]] = {}
    for trial in unseal((folder / "numbers.json").read_bytes(), "study")["trials"]:
        found.setdefault(trial["point"], []).append(trial["values"])
    return found


def study(on: str) -> dict[str, Any]:
    """The project's study with as many seeds as are asked for, and with the pictures where they are."""
    document = read_study("better-students")
    document["seeds"] = list(range(int(os.environ.get("KDM_TRIALS_SEEDS", "3"))))
    if on == "cifar16":
        document["on"][on]["set"]["dataset.source"] = str(published(CIFAR10_TRAIN))
    return document


def means(rows: Rows, point: str) -> dict[str, float]:
    """The mean over seeds of each of a point's numbers."""
    of_seeds = rows[point]
    return {name: sum(each[name] for each in of_seeds) / len(of_seeds) for name in of_seeds[0]}


NUMBERS = ("frechet_over_teachers", "paired_over_class_shuffled")


def test_kdm_is_better_than_from_random_weights_for_a_third_of_their_cost(rows: Rows) -> None:
    before, now = means(rows, "kdm, random weights"), means(rows, "kdm")
    assert now["training_flops"] <= 0.34 * before["training_flops"]
    assert now["training_seconds"] <= 0.45 * before["training_seconds"]
    assert now["paired_over_class_shuffled"] <= before["paired_over_class_shuffled"]
    excess, excess_before = (each["frechet_over_teachers"] - 1 for each in (now, before))
    # Digits' random KDM is at the level of another set of the teacher's own: nothing is left to gain.
    assert excess <= (0.5 if before["frechet_over_teachers"] > 2 else 1.5) * excess_before


def test_a_ninth_of_its_steps_is_enough_to_be_closer_to_the_teacher(rows: Rows) -> None:
    before, now = means(rows, "kdm, random weights"), means(rows, "kdm, a ninth")
    assert now["training_flops"] <= 0.12 * before["training_flops"]
    assert now["paired_over_class_shuffled"] <= before["paired_over_class_shuffled"]


def test_kdm_t_is_level_with_kdm_in_one_evaluation_and_better_in_four(rows: Rows) -> None:
    """Level: no worse than by chance. Better: by more than both intervals, which don't touch."""
    if len(rows["kdm"]) == 1:
        pytest.skip("an interval over seeds needs several")
    kdm, one, four = "kdm", "kdm-t, 1 evaluation", "kdm-t, 4 evaluations"
    assert means(rows, one)["training_flops"] <= 1.01 * means(rows, kdm)["training_flops"]
    for number in NUMBERS:
        assert interval(rows, one, number)[0] <= interval(rows, kdm, number)[1], number
    number = "paired_over_class_shuffled"
    assert interval(rows, four, number)[1] < interval(rows, one, number)[0]
    number = "frechet_over_teachers"
    assert interval(rows, four, number)[0] <= interval(rows, one, number)[1]


def interval(rows: Rows, point: str, number: str) -> tuple[float, float]:
    """Student's 95 % interval of a number's mean over seeds."""
    values = [each[number] for each in rows[point]]
    low, high = t.interval(0.95, len(values) - 1, loc=mean(values), scale=sem(values))
    return float(low), float(high)


def test_kdm_is_not_behind_regression(rows: Rows) -> None:
    kdm, regression = means(rows, "kdm"), means(rows, "regression")
    for number in NUMBERS:
        assert kdm[number] <= regression[number], number
