"""Numbers in print: what is rounded how, and which student is marked."""

import pytest

from kdm.evaluate.metric import Meaning
from kdm.report.tables import SampleCounts, best_value, counted, number, percent, rows

ERROR = Meaning("error", "an error", "lower", "heldout")
SHARE = Meaning("share", "a share", "higher", "fresh", is_fraction=True)
COUNTS = SampleCounts(heldout=5000, fresh=10_000)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.00038, "3.80·10⁻⁴"),
        (0.04, "0.0400"),
        (0.0553, "0.0553"),
        (12.46, "12.5"),
        (999.9, "1,000"),
        (1_234_567.0, "1,230,000"),
        (-0.0005, "-5.00·10⁻⁴"),
        (2e12, "2.00·10¹²"),
    ],
)
def test_a_number_keeps_three_digits(value, text):
    assert number(value) == text


def test_a_fraction_comes_with_its_binomial_standard_error():
    assert percent(0.9657, 10_000) == ("96.57%", "± 0.18")
    assert percent(1.0, 10_000) == ("100.00%", "")


def test_the_best_student_is_marked_and_the_teacher_is_not():
    students = [("a", {"error": 0.2}), ("b", {"error": 0.1})]
    teacher, *others = rows(students, {"error": 0.0}, meanings={"error": ERROR}, counts=COUNTS)
    assert teacher.is_teacher
    assert [row.cells[0].is_best for row in (teacher, *others)] == [False, False, True]


def test_students_at_the_floor_or_beyond_are_equals():
    students = [("a", {"share": 0.97}), ("b", {"share": 0.98}), ("c", {"share": 0.9})]
    table = rows(students, {"share": 0.966}, meanings={"share": SHARE}, counts=COUNTS)
    assert [row.cells[0].is_best for row in table] == [False, True, True, False]


def test_a_single_student_and_an_unranked_number_have_no_mark():
    unranked = Meaning("d", "a distance", "lower", "fresh", is_ranked=False)
    assert best_value([0.1], floor=0.0, meaning=ERROR) is None
    assert best_value([0.1, 0.2], floor=0.0, meaning=unranked) is None


def test_a_number_that_a_student_lacks_is_not_invented():
    table = rows(
        [("a", {}), ("b", {"error": 0.1})], {"error": 0.0}, meanings={"error": ERROR}, counts=COUNTS
    )
    assert (table[1].cells[0].text, table[1].cells[0].note) == ("–", "not measured")


def test_reasons_are_counted_most_first():
    assert counted({"nan": 3, "near_copy": 512, "inf": 0}) == "near_copy 512, nan 3"
    assert counted({}) == "none"
