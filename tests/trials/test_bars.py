"""Training to a bar: whole recipes, minutes to an hour each (`make trials`).

A home is kept between runs where KDM_TRIALS_HOME names one, so a trial that was stopped goes on.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from published import CHECKERBOARD, published

pytestmark = pytest.mark.trials


@pytest.fixture(scope="module")
def trials_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("KDM_TRIALS_HOME")
    return Path(named) if named else tmp_path_factory.mktemp("trials")


def metrics_of(recipe: str, home: Path, *options: str) -> dict[str, Any]:
    """Run a recipe directly; its metrics document. Prints times and numbers (`pytest -s`)."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(Path(sys.executable).parent / "kdm"), "run", recipe, "--direct"]
    subprocess.run([*command, "--home", str(home), *options], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report = max((home / "reports").glob(f"{recipe}-{12 * '?'}/metrics.json"), key=os.path.getmtime)
    document: dict[str, Any] = json.loads(report.read_text())
    assert document["recipe"] == recipe
    wall = time.monotonic() - started
    print(json.dumps({"recipe": recipe, "wall_s": round(wall), "cpu_s": round(cpu), **document}))
    return document


def test_the_demo_reaches_its_bar(trials_home: Path) -> None:
    document = metrics_of("checkerboard", trials_home)
    kdm, teacher = document["students"]["kdm"]["values"], document["floor"]
    assert teacher["in_cells"] >= 0.92
    assert kdm["same_cell"] >= 0.93
    assert kdm["in_cells"] >= teacher["in_cells"] - 0.03


def test_the_full_recipe_reaches_its_bar(trials_home: Path) -> None:
    document = metrics_of("checkerboard-full", trials_home)
    assert document["floor"]["in_cells"] >= 0.96
    assert document["students"]["kdm"]["values"]["same_cell"] >= 0.98
    assert set(document["students"]) == {"kdm", "kdm-f", "regression"}


def test_an_edm_teacher_of_the_plane_reaches_its_bar(trials_home: Path) -> None:
    document = metrics_of("checkerboard-edm", trials_home)
    assert document["floor"]["in_cells"] >= 0.95
    assert document["students"]["kdm"]["values"]["same_cell"] >= 0.95


@pytest.mark.parametrize(
    ("recipe", "median", "trimmed", "same_cell"),
    [
        ("checkerboard-import", 9e-5, 3.5e-4, 0.985),
        ("checkerboard-import-full", 9e-5, 1.7e-4, 0.991),
    ],
)
def test_published_pairs_are_learned_to_the_bar(
    trials_home: Path,
    recipe: str,
    median: float,
    trimmed: float,
    same_cell: float,
) -> None:
    source = published(CHECKERBOARD)
    document = metrics_of(recipe, trials_home, "--set", f"pairs.source={source}")
    values = document["students"]["kdm"]["values"]
    assert values["median_squared_error"] <= median
    assert values["paired_mse_trimmed"] <= trimmed
    assert values["same_cell"] >= same_cell
