"""Thirty raters of a known preference walk through a study of digits in a browser (App. E.4's size)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from browser import chromium, needs_browser, opened
from human_raters import answer, begin, names_by_picture, save

pytestmark = [pytest.mark.trials, needs_browser]
KDM = str(Path(sys.executable).parent / "kdm")
NUM_RATERS, NUM_QUESTIONS, PREFERENCE = 30, 10, 0.55


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the student `kdm` of digits; below KDM_TRIALS_HOME."""
    named = os.environ.get("KDM_TRIALS_HOME")
    home = Path(named) / "digits" if named else tmp_path_factory.mktemp("digits")
    command = [KDM, "distill", "digits", "--direct", "--student", "kdm", "--home", str(home)]
    subprocess.run(command, check=True)
    return home


def test_the_share_of_thirty_raters_is_recovered_within_its_interval(
    home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "raters"
    build = [KDM, "study", "human", "build", "kdm", "--home", str(home), "--out", str(folder)]
    subprocess.run(build, check=True)
    page_file, (key_file,) = folder / "index.html", (home / "reports").glob("human-kdm-*/key.json")
    assert [each.name for each in folder.iterdir()] == ["index.html"]
    names, key = names_by_picture(page_file), json.loads(key_file.read_text())
    drawn = np.random.RandomState(7).uniform(size=(NUM_RATERS, NUM_QUESTIONS)) < PREFERENCE
    faults, saved = list[str](), []
    with chromium() as browser:
        for rater, preferences in enumerate(drawn):
            with opened(browser, page_file, faults) as page:
                begin(page, f"rater-{rater}")
                for prefers_student in preferences:
                    answer(page, names, key, prefers_student=bool(prefers_student))
                saved.append(str(save(page, "#save", tmp_path)))
    command = [KDM, "study", "human", "score", "--json", *saved, "--home", str(home)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    low, high = found["interval"]
    assert found["num_answers"] == NUM_RATERS * NUM_QUESTIONS
    assert found["num_for_student"] == drawn.sum()
    assert low <= PREFERENCE <= high
    assert faults == []
