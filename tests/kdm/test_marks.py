"""Students are told apart by their difference over the same noise, not by intervals of their own."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flows.documents.numbers import entry
from kdm.evaluate.evaluate import meanings_of, measure_samples
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.metrics.bootstrap import packed, resampled_mean, unpacked
from kdm.metrics.metric import Meaning
from kdm.metrics.paired import Paired
from kdm.metrics.paired_baselines import PairedBaselines
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.sliced_wasserstein import SlicedWasserstein, sliced_distance, sliced_shares
from kdm.report.best import best_rows, how_marked
from kdm.report.content import Numbers, StudentEntry
from kdm.report.differences import difference, own_interval
from kdm.report.seeds import by_seeds
from kdm.report.tables import SampleCounts, rows

STREAM = np.random.RandomState(0)
X_T, X_0, OTHER = STREAM.standard_normal((3, 400, 2)).astype(np.float32)
# Some noises are hard for every student: most of the chance in a mean error is shared.
ERROR = (STREAM.standard_normal((400, 2)) * STREAM.lognormal(-2, 1, (400, 1))).astype(np.float32)
BASELINES = EvaluationOptions(metrics=(PairedBaselines(),))
ERRORS = meanings_of(BASELINES.metrics)["paired_mse"]
SHARE = Meaning("share", "a share", "higher", "fresh", is_fraction=True)


def document(error: np.ndarray, options: EvaluationOptions = BASELINES) -> dict[str, Any]:
    """Of a student that errs so on each held-out noise."""
    given = EvaluationSamples(
        X_T, X_0, X_0 + error, X_T, OTHER, X_0, OTHER, linear_x_0=np.zeros_like(X_0)
    )
    return measure_samples(given, options)


def student(name: str, measured: dict[str, Any], seed: int = 0) -> StudentEntry:
    told = {"student": name, "student_digest": "", "parameters": {"trainable": 1, "inference": 1}}
    return entry(measured | told, {"training": {"seed": seed}, "model": name.split("-")[0]})


def marked(students: list[StudentEntry], options: EvaluationOptions = BASELINES) -> list[bool]:
    """Who is best in paired MSE."""
    table = by_seeds(students)
    found = best_rows(table, "paired_mse", floor=0.0, meaning=ERRORS, num_samples=400)
    _, *printed = rows(
        table,
        [Numbers("teacher", {"paired_mse": 0.0})],
        meanings={"paired_mse": ERRORS},
        counts=SampleCounts(400, 400),
    )
    assert [row.cells[0].is_best for row in printed] == [
        place in found for place in range(len(table))
    ]
    return [place in found for place in range(len(table))]


def test_a_student_that_errs_more_on_every_noise_is_told_apart_though_intervals_overlap():
    better, worse = student("a", document(ERROR)), student("b", document(1.05 * ERROR))
    own = [own_interval(row, "paired_mse", ERRORS) for row in by_seeds([better, worse])]
    assert own[0].meets(own[1])
    assert marked([better, worse]) == [True, False]


@pytest.mark.parametrize("metric", [Paired(), PairedBaselines()])
def test_students_whose_errors_differ_by_chance_are_both_best(metric):
    options = EvaluationOptions(metrics=(metric,))
    students = [
        student("a", document(ERROR, options)),
        student("b", document(ERROR[::-1], options)),
    ]
    assert marked(students, options) == [True, True]


def test_over_other_noise_and_in_documents_of_old_separate_intervals_decide():
    better, worse = document(ERROR), document(1.05 * ERROR)
    elsewhere = worse | {"drawn_on": {"heldout": "0" * 64}}
    of_old = {key: value for key, value in worse.items() if key not in ("deviations", "drawn_on")}
    for other in (elsewhere, of_old):
        students = [student("a", better), student("b", other)]
        assert marked(students) == [True, True]
        assert "paired MSE" in how_marked(by_seeds(students), {"paired_mse": ERRORS})


def test_the_caption_says_what_the_marks_rest_on():
    pair = by_seeds([student("a", document(ERROR)), student("b", document(2 * ERROR))])
    words = how_marked(pair, {"paired_mse": ERRORS})
    assert "paired bootstrap over the same noise)" in words
    assert "separate" not in words
    assert how_marked(pair[:1], {"paired_mse": ERRORS}) == ""


def test_the_difference_of_a_student_from_itself_is_nothing_and_marks_are_of_every_direction():
    for direction in ("higher", "lower", "nearer 1"):
        meaning = replace(ERRORS, better=direction)
        good, bad = (0.9, 0.5) if direction != "lower" else (0.5, 0.9)
        pair = [
            Numbers(str(each), {"x": each}, deviations={"x": [-0.01, 0.01]}) for each in (good, bad)
        ]
        given = [replace(row, drawn_on={"heldout": "noise"}) for row in pair]
        same = difference(given[0], given[0], "x", meaning=meaning, num_samples=10)
        assert same == (0.0, 0.0)
        assert best_rows(given, "x", floor=None, meaning=meaning, num_samples=10) == {0}


@pytest.mark.parametrize(("num_wrong", "is_equal"), [(0, True), (3, True), (12, False)])
def test_a_share_is_told_apart_by_more_than_a_few_samples(num_wrong, is_equal):
    hits = np.arange(1000) >= num_wrong
    students = [
        Numbers(
            name,
            {"share": float(each.mean())},
            deviations={"share": resampled_mean(each)},
            drawn_on={"fresh": "noise"},
        )
        for name, each in (("a", np.ones(1000, np.bool_)), ("b", hits))
    ]
    found = best_rows(students, "share", floor=None, meaning=SHARE, num_samples=1000)
    assert (1 in found) == is_equal


def test_the_spread_over_seeds_is_part_of_the_difference():
    def kdm(factors: list[float]) -> list[StudentEntry]:
        return [
            student(f"kdm-{seed}", document(factor * ERROR), seed)
            for seed, factor in enumerate(factors)
        ]

    other = student("other", document(1.2 * ERROR))
    assert marked([*kdm([1.0, 1.001, 0.999]), other]) == [True, False]
    assert marked([*kdm([0.8, 1.0, 1.2]), other]) == [True, True]


def test_the_shares_of_rows_add_up_to_the_sliced_distance():
    directions = SlicedWasserstein(num_directions=16).directions(2)
    for left in (X_0 + ERROR, X_0, OTHER):
        shares = sliced_shares(left, X_0, directions=directions)
        assert shares.shape == (400,)
        assert shares.mean() == pytest.approx(
            sliced_distance(left, X_0, directions=directions), abs=1e-12
        )


def test_deviations_come_back_from_their_text_to_seven_digits():
    numbers = tuple(STREAM.standard_normal(200) * 1e-6)
    assert unpacked(packed(numbers)) == pytest.approx(numbers, rel=1e-6)
    assert len(packed(numbers)) < 1100
