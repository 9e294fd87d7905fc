"""Answers of raters: the share with its interval and test; files that can't be scored say why."""

import json
import math
from typing import Any

import numpy as np
import pytest
from human_raters import NAME, key_of, small_study

from kdm.human.collages import STUDENT, study_of
from kdm.human.score import FORMAT, read_answers, score

STUDY = small_study(10)
KEY = key_of(STUDY)


def saved(rater: str, num_for_student: int, **changes: Any) -> bytes:
    """A rater's file; the first answers are for the student."""
    answers = []
    for number, question in enumerate(STUDY.questions):
        wanted = number < num_for_student
        names = [name for name, _ in question.collages]
        chosen = next(name for name in names if (STUDY.key[name] == STUDENT) == wanted)
        left, right = names
        answers.append({"chosen": chosen, "left": left, "right": right, "milliseconds": 9})
    document = {"format": FORMAT, "study": NAME, "rater": rater, "num_questions": 10}
    return json.dumps({**document, "answers": answers, **changes}).encode()


def test_the_paper_s_share_has_its_interval_and_test():
    files = [read_answers(saved(f"r{n}", 6 if n < 15 else 5), f"r{n}") for n in range(30)]
    found = score(files, KEY)
    assert (found.num_for_student, found.num_answers) == (165, 300)
    z, p, n = 1.959964, 0.55, 300  # Wilson 1927, Eq. 4
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert found.interval == pytest.approx((middle - half, middle + half), abs=1e-6)
    assert found.p_value == pytest.approx(0.0941, abs=1e-3)
    assert found.lines[0].startswith("55.0% of 300 answers of 30 raters prefer the student")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (saved("a", 5)[:-20], "isn't whole JSON"),
        (b"[1, 2]", "isn't a file of answers"),
        (saved("a", 5, answers=[]), "has 0 of 10 answers"),
        (saved("a", 5, answers=[{"left": "x"}] * 10), "lacks a part"),
        (b"\xff\xfe", "isn't whole JSON"),
    ],
)
def test_a_file_that_is_no_whole_set_of_answers_is_refused(data: bytes, words: str):
    with pytest.raises(ValueError, match=words):
        read_answers(data, "a.json")


def test_answers_of_another_study_twice_the_same_rater_and_changed_ones_are_refused():
    own = read_answers(saved("a", 5), "a.json")
    other = read_answers(saved("b", 5, study="6" * 64), "b.json")
    with pytest.raises(ValueError, match=r"b.json is of study 666666666666"):
        score([own, other], KEY)
    with pytest.raises(ValueError, match=r"rater 'a' is in several files: a.json, copy.json"):
        score([own, read_answers(saved("a", 5), "copy.json")], KEY)
    name = STUDY.questions[0].collages[0][0]
    repeated = [{"chosen": name, "left": name}] * 10
    changed = read_answers(saved("c", 5, answers=repeated), "c.json")
    with pytest.raises(ValueError, match="doesn't answer each question"):
        score([changed], KEY)


def test_names_come_from_the_secret():
    zeros = np.zeros((4, 1, 4, 4))
    one, same, other = (study_of(zeros, zeros, side=2, secret=each) for each in "aab")
    assert one.key == same.key
    assert not set(one.key) & set(other.key)
