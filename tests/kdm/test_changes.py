"""What became worse between two trainings: told if it is more than chance, and never otherwise."""

from dataclasses import replace

import numpy as np
import pytest

from kdm.metrics.bootstrap import bootstrap
from kdm.metrics.metric import Meaning
from kdm.report.changes import became_worse
from kdm.report.content import EvaluationEvent

MEANINGS = {
    "error": Meaning("error", "an error", "lower", "heldout"),
    "share": Meaning("share", "a share", "higher", "fresh", is_fraction=True),
    "ratio": Meaning("ratio", "a ratio", "nearer 1", "fresh"),
}
NOISE = {"heldout": "a", "fresh": "b"}


def event(day: int, errors: np.ndarray, **more: object) -> EvaluationEvent:
    found = bootstrap(lambda rows: float(errors[rows].mean()), len(errors))
    return EvaluationEvent(
        f"2026-01-{day:02}T00:00:00+00:00",
        "kdm",
        f"{day:064}",
        "pairs",
        {"error": found.value},
        recipe="digits",
        deviations={"error": found.deviations},
        drawn_on=NOISE,
        num_samples={"heldout": len(errors), "fresh": 100},
        **more,
    )


def errors(seed: int, more: float = 0.0) -> np.ndarray:
    """Of 400 noises, some of which are hard for every student."""
    hard = np.random.RandomState(0).exponential(size=400)
    return hard + more + 0.2 * np.random.RandomState(seed).standard_normal(400)


def test_a_small_change_is_seen_over_the_same_noise() -> None:
    before, after = event(1, errors(1)), event(2, errors(2, more=0.1))
    (change,) = became_worse([before, after], MEANINGS)
    assert 0 < change.worse_by.low < 0.1 < change.worse_by.high
    assert change.sentence.startswith("kdm of digits became worse: error was ")
    # Separately each is known to a tenth only.
    assert became_worse([before, replace(after, drawn_on={"heldout": "c"})], MEANINGS) == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"student": "other"},
        {"recipe": "other"},
        {"digest": f"{1:064}"},  # the same weights, measured again
        {"values": {"error@0123": 9.0}},  # by another protocol
        {"deviations": {}},
    ],
)
def test_what_is_not_held_against_each_other_is_not_worse(changed: dict) -> None:
    after = replace(event(2, errors(2, more=5.0)), **changed)
    assert became_worse([event(1, errors(1)), after], MEANINGS) == ()


def test_better_is_not_worse_and_equal_students_rarely_are() -> None:
    assert became_worse([event(1, errors(1, more=0.1)), event(2, errors(2))], MEANINGS) == ()
    told = [
        became_worse([event(1, errors(seed)), event(2, errors(seed + 500))], MEANINGS)
        for seed in range(1, 101)
    ]
    assert sum(map(bool, told)) <= 8  # 2.5 % of them are, on average


@pytest.mark.parametrize(
    ("name", "before", "after", "is_worse"),
    [
        ("share", (0.9, 0.88, 0.92), (0.8, 0.78, 0.82), True),
        ("share", (0.8, 0.78, 0.82), (0.9, 0.88, 0.92), False),
        ("ratio", (1.1, 1.0, 1.2), (0.7, 0.6, 0.75), True),
        ("ratio", (0.7, 0.6, 0.75), (1.1, 1.0, 1.2), False),
        ("error", (1.0, 0.9, 1.1), (1.15, 1.05, 1.25), False),  # the intervals meet
    ],
)
def test_numbers_with_intervals_alone_are_worse_where_these_do_not_meet(
    name: str, before: tuple, after: tuple, is_worse: bool
) -> None:
    events = [
        EvaluationEvent(
            f"2026-01-0{day}",
            "kdm",
            f"{day:064}",
            "pairs",
            {name: value},
            recipe="digits",
            intervals={name: (low, high)},
        )
        for day, (value, low, high) in enumerate((before, after), 1)
    ]
    assert bool(became_worse(events, MEANINGS)) == is_worse
