"""Numbers in print: what is rounded how, and which student is marked."""

from dataclasses import replace

import pytest

from kdm.metrics.metric import Meaning
from kdm.report.budgets import Budget, compared, unequal
from kdm.report.content import Numbers, StudentEntry
from kdm.report.seeds import by_seeds
from kdm.report.tables import Row, SampleCounts, counted, number, percent, rows

ERROR = Meaning("error", "an error", "lower", "heldout")
SHARE = Meaning("share", "a share", "higher", "fresh", is_fraction=True)
COUNTS = SampleCounts(heldout=5000, fresh=10_000)


def table(students: list[Numbers], floor: dict[str, float], meaning: Meaning) -> list[Row]:
    teacher = Numbers("teacher", floor)
    return list(rows(students, [teacher], meanings={meaning.label: meaning}, counts=COUNTS))


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
    students = [Numbers("a", {"error": 0.2}), Numbers("b", {"error": 0.1})]
    teacher, *others = table(students, {"error": 0.0}, ERROR)
    assert teacher.is_teacher
    assert [row.cells[0].is_best for row in (teacher, *others)] == [False, False, True]


def test_students_at_the_floor_or_beyond_are_equals():
    students = [
        Numbers(name, {"share": each}) for name, each in (("a", 0.97), ("b", 0.98), ("c", 0.9))
    ]
    found = table(students, {"share": 0.966}, SHARE)
    assert [row.cells[0].is_best for row in found] == [False, True, True, False]


def test_a_single_student_and_an_unranked_number_have_no_mark():
    unranked = Meaning("d", "a distance", "lower", "fresh", is_ranked=False)
    two = [Numbers("a", {"error": 0.1, "d": 0.1}), Numbers("b", {"error": 0.2, "d": 0.2})]
    for students, meaning in ((two[:1], ERROR), (two, replace(unranked, label="d"))):
        printed = table(students, {meaning.label: 0.0}, meaning)
        assert not any(row.cells[0].is_best for row in printed)


def test_a_number_that_a_student_lacks_is_not_invented():
    _, without, _ = table([Numbers("a", {}), Numbers("b", {"error": 0.1})], {"error": 0.0}, ERROR)
    assert (without.cells[0].text, without.cells[0].note) == ("–", "not measured")


def test_reasons_are_counted_most_first():
    assert counted({"nan": 3, "near_copy": 512, "inf": 0}) == "near_copy 512, nan 3"
    assert counted({}) == "none"


def test_an_interval_stands_beside_its_number_unless_it_is_a_point():
    row = Numbers("a", {"share": 0.975, "error": 0.1}, {"share": [0.97, 0.98], "error": [0.1, 0.1]})
    meanings = {"share": SHARE, "error": ERROR}
    _, (share, error) = (
        each.cells for each in rows([row], [row], meanings=meanings, counts=COUNTS)
    )
    assert (share.line, error.line) == ("97.50% (97.00 … 98.00)", "0.100")


def test_a_fractions_interval_over_few_seeds_ends_at_zero_and_all() -> None:
    wide = Numbers("mean", {"share": 0.33}, {"share": (-1.1, 1.77)})
    _, row = table([wide], {}, SHARE)
    assert row.cells[0].line == "33.00% (0.00 … 100.00)"


def test_students_that_cannot_be_told_from_the_best_are_marked_with_it():
    spread = {"a": (0.1, [0.08, 0.12]), "b": (0.13, [0.11, 0.15]), "c": (0.14, [0.13, 0.15])}
    students = [
        Numbers(name, {"error": mean}, {"error": ends}) for name, (mean, ends) in spread.items()
    ]
    found = table(students, {"error": 0.0}, ERROR)
    assert [row.cells[0].is_best for row in found] == [False, True, True, False]


def seeds(values: list[float], stem: str = "kdm") -> list[StudentEntry]:
    return [
        StudentEntry(f"{stem}-{seed}", "", {"error": value}, 1, 1, {"training": {"seed": seed}})
        for seed, value in enumerate(values)
    ]


def test_students_that_differ_in_their_seed_alone_are_one_row_with_students_interval():
    (row,) = by_seeds(seeds([0.1, 0.2, 0.3]))
    assert (row.name, row.note) == ("kdm", "mean of 3 seeds")
    assert row.values["error"] == pytest.approx(0.2)
    half = 4.302653 * 0.1 / 3**0.5  # t of two degrees of freedom, 97.5 %
    assert row.intervals["error"] == pytest.approx((0.2 - half, 0.2 + half))


def test_another_setting_is_another_row_and_no_row_takes_a_students_name():
    other = StudentEntry("kdm", "", {"error": 0.5}, 1, 1, {"training": {"seed": 0, "steps": 2}})
    first, second = by_seeds([*seeds([0.1, 0.2]), other])
    assert (first.name, second.name, second.note) == ("kdm-0 and 1 more", "kdm", "")
    (row,) = by_seeds(seeds([0.1, 0.2]), taken=["kdm"])
    assert row.name == "kdm-0 and 1 more"


def test_two_rows_of_several_seeds_never_have_one_name() -> None:
    longer = [
        replace(each, name=f"kdm-longer-{each.name[-1]}", settings={**each.settings, "steps": 2})
        for each in seeds([0.3, 0.4])
    ]
    (row, other) = by_seeds([*seeds([0.1, 0.2]), *longer])
    assert (row.name, other.name) == ("kdm", "kdm-longer")
    alike = [replace(each, name=f"kdm-{7 + i}") for i, each in enumerate(longer)]
    names = [each.name for each in by_seeds([*seeds([0.1, 0.2]), *alike])]
    assert names == ["kdm-0 and 1 more", "kdm-7 and 1 more"]


def test_a_copy_of_a_student_under_another_name_is_no_seed_but_a_row_that_says_so():
    first, second = seeds([0.1, 0.3])
    copy = replace(first, name="planted")
    (alone, of_alone) = by_seeds([first, copy])
    assert (alone.name, alone.note, alone.by_seed) == ("kdm-0", "", {})
    assert (of_alone.name, of_alone.note) == ("planted", "same settings and seed as kdm-0")
    mean, planted = by_seeds([first, copy, second])
    assert (mean.note, mean.by_seed["error"], mean.of) == (
        "mean of 2 seeds",
        [0.1, 0.3],
        ("kdm-0", "kdm-1"),
    )
    assert (planted.note, planted.values) == ("same settings and seed as kdm-0", copy.values)


def test_unequal_budgets_and_a_critic_of_one_student_are_said():
    first = Budget("kdm", 6_000, 1.0, True, 10, 5, 1, 3)
    second = replace(first, name="regression", num_images=9_000, has_critic=False)
    assert compared([first, second]) == (
        "The budgets are not equal: images trained on are kdm 6,000, regression 9,000. "
        "Only kdm has a critic."
    )
    assert compared([first, first]) == "Every student was trained on as many images."
    assert compared([first]) == ""


def test_the_terminal_names_unequal_budgets_and_says_nothing_of_equal_ones():
    assert unequal({"kdm": 51_200, "get": 102_400, "kdm-f": 51_200}) == (
        "get saw 102,400 pairs; kdm, kdm-f 51,200: compare students at equal budgets"
    )
    assert unequal({"kdm": 51_200, "get": 51_200}) == unequal({"kdm": 1}) == unequal({}) == ""
