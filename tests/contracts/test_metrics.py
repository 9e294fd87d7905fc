"""Laws of every registered metric, on points or digits that a teacher copies, whatever it needs."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from labelled_samples import picture_samples
from pydantic import ValidationError

from kdm.datasets.checkerboard import CheckerboardData
from kdm.evaluate.evaluation_options import GROUP
from kdm.metrics.bootstrap import NUM_RESAMPLES
from kdm.metrics.metric import Metric
from kdm.metrics.samples import EvaluationSamples
from storage.plugins import configure, describe, plugin_names

every_metric = pytest.mark.parametrize("name", plugin_names(GROUP))


@cache
def samples(name: str, error: float = 0.1) -> EvaluationSamples:
    """A student that lands a normal error of this size (data units) away from its teacher."""
    return picture_samples(error) if metric(name).needs else points(error)


def points(error: float) -> EvaluationSamples:
    stream = np.random.RandomState(1)
    x_0 = CheckerboardData(num_train=2000).train()
    wrong = (error * stream.standard_normal((1000, 2))).astype(np.float32)
    x_T, fresh_x_T = stream.standard_normal((2, 500, 2)).astype(np.float32)
    return EvaluationSamples(
        x_T=x_T,
        x_0=x_0[:500],
        x_0_hat=x_0[:500] + wrong[:500],
        fresh_x_T=fresh_x_T,
        fresh_x_0_hat=x_0[500:1000] + wrong[500:],
        reference=x_0[1000:1500],
        second_reference=x_0[1500:],
    )


def metric(name: str) -> Metric:
    chosen = configure(GROUP, name)
    assert isinstance(chosen, Metric)
    return chosen


@every_metric
def test_a_metric_gives_one_finite_number_for_every_meaning(name):
    values = metric(name).measure(samples(name))
    assert list(values) == list(metric(name).meanings)
    assert all(type(value) is float and np.isfinite(value) for value in values.values())


@every_metric
def test_the_same_samples_give_the_same_bits(name):
    assert metric(name).measure(samples(name)) == metric(name).measure(samples(name))


@every_metric
def test_intervals_are_of_the_numbers_and_around_them(name):
    values, found = metric(name).measure(samples(name)), metric(name).estimates(samples(name))
    assert found.keys() in (values.keys(), set())
    for number, estimate in found.items():
        assert estimate.low < estimate.value == values[number] < estimate.high, number


@every_metric
def test_every_ranked_number_was_resampled_so_that_students_can_be_compared(name):
    given = metric(name)
    found = {each: estimate.deviations for each, estimate in given.estimates(samples(name)).items()}
    found |= given.deviations(samples(name))
    for number, meaning in given.meanings.items():
        if meaning.is_ranked:
            assert len(found.get(number, ())) == NUM_RESAMPLES, (
                f"{number} is ranked, so `deviations` must give {NUM_RESAMPLES} numbers for it unless "
                "`estimates` does: return {name: resampled_mean(values, label)} or `resampled` of "
                "kdm.metrics.bootstrap, or set is_ranked=False in its Meaning"
            )
            assert abs(np.mean(found[number])) < 1e-9 < np.std(found[number]), number


@every_metric
def test_a_student_that_is_its_teacher_scores_the_floor(name):
    copy = samples(name).with_teacher_as_student()
    assert metric(name).measure(copy) == metric(name).floor(samples(name))


@every_metric
def test_the_floor_does_not_depend_on_the_student(name):
    assert metric(name).floor(samples(name, 0.1)) == metric(name).floor(samples(name, 2.0))


@every_metric
def test_a_poor_student_scores_worse_than_the_floor(name):
    values, floor = metric(name).measure(samples(name, 2.0)), metric(name).floor(samples(name))
    for number, meaning in metric(name).meanings.items():
        if meaning.better == "nearer 1":
            assert abs(values[number] - 1) > abs(floor[number] - 1), number
            continue
        sign = 1 if meaning.better == "higher" else -1
        assert sign * values[number] < sign * floor[number], number


@every_metric
def test_the_order_of_the_pairs_does_not_matter(name):
    here = samples(name)
    rows = np.random.RandomState(2).permutation(here.num_heldout)
    pairs = ("x_T", "x_0", "x_0_hat", "label", "linear_x_0")
    given = {each: getattr(here, each) for each in pairs if getattr(here, each) is not None}
    turned = replace(here, **{each: array[rows] for each, array in given.items()})
    values, shuffled = metric(name).measure(here), metric(name).measure(turned)
    assert shuffled == pytest.approx(values, rel=1e-12)


@every_metric
def test_a_metric_comes_back_from_its_description(name):
    assert configure(GROUP, describe(metric(name))) == metric(name)


@every_metric
def test_a_metric_is_frozen_and_refuses_unknown_options(name):
    with pytest.raises(ValidationError):
        metric(name).version_of_nothing = 1
    with pytest.raises(ValueError, match="unknown key 'colour'"):
        configure(GROUP, {"plugin": name, "colour": 1})
