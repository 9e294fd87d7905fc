"""Raters who walk through a study's page in a browser, by keys, with a preference that is known."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kdm.human.collages import STUDENT, Study, study_of
from kdm.human.rater_page import human_page

NAME = "5" * 64


def small_study(num_questions: int) -> Study:
    """Collages of 2×2 pictures, which are noise."""
    made = np.random.RandomState(0).uniform(-1, 1, (2, 4 * num_questions, 1, 4, 4))
    return study_of(made[0], made[1], side=2, secret="a secret")


def key_of(study: Study) -> dict[str, Any]:
    pairs = [[name for name, _ in each.collages] for each in study.questions]
    return {"study": NAME, "questions": pairs, "collages": study.key}


def written(study: Study, folder: Path) -> Path:
    file = folder / "index.html"
    file.write_text(human_page(study, name=NAME, question="Which looks more realistic?"))
    return file


def names_by_picture(file: Path) -> dict[str, str]:
    """The names of a page's collages; whose they are isn't in it."""
    (data,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', file.read_text()
    )
    questions = json.loads(data)["questions"]
    return {each["png"]: each["name"] for one in questions for each in one["collages"]}


def sides(page: Any, names: Mapping[str, str]) -> list[str]:
    """Which collages the page shows, left and right."""
    sources = [page.get_attribute(f"#{side} img", "src") for side in ("left", "right")]
    return [names[re.sub("^data:image/png;base64,", "", each)] for each in sources]


def begin(page: Any, code: str) -> None:
    page.fill("#code", code)
    page.press("#code", "Enter")


def answer(
    page: Any, names: Mapping[str, str], key: Mapping[str, Any], *, prefers_student: bool
) -> None:
    left, _right = sides(page, names)
    is_left = (key["collages"][left] == STUDENT) == prefers_student
    page.keyboard.press("ArrowLeft" if is_left else "ArrowRight")


def save(page: Any, button: str, folder: Path) -> Path:
    with page.expect_download() as waited:
        page.click(button)
    file = folder / waited.value.suggested_filename
    waited.value.save_as(file)
    return file
