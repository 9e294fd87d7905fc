"""The leaderboard of digits' pairs: half the training is told apart, a copy under another name isn't."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flows.config.load import load_recipe

pytestmark = pytest.mark.trials
KDM = str(Path(sys.executable).parent / "kdm")
NUMBERS = ("frechet_over_teachers", "paired_mse")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with `kdm`, the same trained half as long, and a copy of the first; below KDM_TRIALS_HOME."""
    named = os.environ.get("KDM_TRIALS_HOME")
    home = Path(named) / "digits" if named else tmp_path_factory.mktemp("digits")
    kdm = next(
        each
        for each in load_recipe("digits-from-scratch").document()["students"]
        if each["name"] == "kdm"
    )
    steps = kdm["training"]["num_steps"]
    half = {**kdm, "name": "kdm-half", "training": {**kdm["training"], "num_steps": steps // 2}}
    students = f"students={json.dumps([kdm, half])}"
    subprocess.run(
        [KDM, "run", "digits-from-scratch", "--direct", "--home", str(home), "--set", students],
        check=True,
    )
    (own,) = [each for each in (home / "students").glob("kdm-*") if is_named(each, "kdm")]
    planted = home / "students" / f"twin-{'0' * 12}"
    if not planted.exists():
        shutil.copytree(own, planted)
    return home


def is_named(student: Path, name: str) -> bool:
    return student.name.rpartition("-")[0] == name


def rows(home: Path, by: str) -> Mapping[str, Mapping[str, Any]]:
    subprocess.run(
        [KDM, "leaderboard", "digits-from-scratch", "--by", by, "--home", str(home)], check=True
    )
    (file,) = (home / "reports").glob("leaderboard-digits*/leaderboard.json")
    return {each["name"]: each for each in json.loads(file.read_text())["rows"]}


@pytest.mark.parametrize("by", NUMBERS)
def test_half_the_training_is_told_apart_and_a_copy_never_is(home: Path, by: str) -> None:
    found = rows(home, by)
    twins = {"kdm", "twin"}
    for name in twins:
        assert twins - {name} <= set(found[name]["not_told_apart_from"])
        assert "kdm-half" not in found[name]["not_told_apart_from"]
    assert not twins & set(found["kdm-half"]["not_told_apart_from"])
    assert found["kdm"]["training_flops"] > 1.9 * found["kdm-half"]["training_flops"]
