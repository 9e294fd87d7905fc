"""The page that raters get, walked through in a browser by keys."""

import io
import json
import re
from pathlib import Path
from typing import Any

from browser import faults_of, needs_browser, opened
from human_raters import answer, begin, key_of, names_by_picture, save, sides, small_study, written
from PIL import Image

from kdm.human.rater_page import human_page
from kdm.human.score import read_answers, score

STUDY, STUDY_OF_MANY = small_study(4), small_study(64)
KEY = key_of(STUDY)
PREFERENCES = {"ada": [True, True, True, False], "bo": [True, False, True, True]}


@needs_browser
def test_two_raters_walk_through_one_comes_back_later_and_their_share_is_recovered(
    browser: Any, tmp_path: Path
) -> None:
    file, faults, saved = written(STUDY, tmp_path), list[str](), []
    names = names_by_picture(file)
    for code, preferences in PREFERENCES.items():
        with opened(browser, file, faults, viewport={"width": 420, "height": 900}) as page:
            begin(page, code)
            for number, prefers_student in enumerate(preferences):
                if number == 2:
                    page.reload()
                    begin(page, code)
                    assert page.text_content("#said") == "2 of your answers were kept."
                answer(page, names, KEY, prefers_student=prefers_student)
            saved.append(save(page, "#save", tmp_path))
    found = score([read_answers(each.read_bytes(), each.name) for each in saved], KEY)
    assert (found.num_for_student, found.num_answers) == (6, 8)
    assert found.by_rater == {"ada": 0.75, "bo": 0.75}
    assert faults == []


@needs_browser
def test_an_answer_can_be_taken_back_and_a_saved_file_goes_on_in_another_browser(
    browser: Any, tmp_path: Path
) -> None:
    file, faults = written(STUDY, tmp_path), list[str]()
    names = names_by_picture(file)
    with opened(browser, file, faults) as page:
        begin(page, "cy")
        first = sides(page, names)
        answer(page, names, KEY, prefers_student=True)
        page.keyboard.press("Backspace")
        assert sides(page, names) == first
        answer(page, names, KEY, prefers_student=False)
        part = save(page, "#so-far", tmp_path)
    with opened(browser, file, faults) as page:
        page.set_input_files("#saved", part)
        page.wait_for_selector("#ask:not([hidden])")
        assert page.text_content("#where") == "Pair 2 of 4"
    assert [STUDY.key[each["chosen"]] for each in json.loads(part.read_text())["answers"]] == [
        "other"
    ]
    assert faults == []


@needs_browser
def test_raters_see_pairs_in_orders_and_on_sides_of_their_own(browser: Any, tmp_path: Path) -> None:
    file, shown = written(STUDY, tmp_path), set()
    names = names_by_picture(file)
    for code in ("a", "b", "c", "d"):
        with opened(browser, file, []) as page:
            begin(page, code)
            shown.add(tuple(sides(page, names)))
    assert len(shown) > 1


@needs_browser
def test_the_page_is_sound_and_without_scripts_says_that_it_needs_them(
    browser: Any, tmp_path: Path
) -> None:
    found = faults_of(browser, written(STUDY, tmp_path))
    assert found == ["without scripts it says something else"]


def test_nothing_that_a_rater_gets_says_whose_a_collage_is() -> None:
    page = human_page(STUDY, name="5" * 64, question="Which?")
    without_pictures = re.sub(r'"png": "[^"]*"', "", page)
    assert not re.search("student|teacher|koopman|secret", without_pictures)
    pictures = [data for each in STUDY.questions for _, data in each.collages]
    assert len({len(each) for each in pictures}) == 1
    opened_pictures = [Image.open(io.BytesIO(each)) for each in pictures]
    assert {(each.size, each.mode, str(each.info)) for each in opened_pictures} == {
        (opened_pictures[0].size, "RGB", "{}")
    }


def test_a_name_comes_first_as_often_for_either_side() -> None:
    firsts = [STUDY_OF_MANY.key[each.collages[0][0]] for each in STUDY_OF_MANY.questions]
    assert 20 < firsts.count("student") < 44
