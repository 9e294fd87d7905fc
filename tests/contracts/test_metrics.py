"""Laws of every registered metric, on a small checkerboard with a teacher that copies it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from pydantic import ValidationError

from kdm.datasets.checkerboard import CheckerboardData
from kdm.evaluate.metric import Metric
from kdm.evaluate.options import GROUP
from kdm.evaluate.samples import EvaluationSamples
from storage.plugins import configure, describe, plugin_names

every_metric = pytest.mark.parametrize("name", plugin_names(GROUP))


@cache
def samples(error: float = 0.1) -> EvaluationSamples:
    """A student that lands a normal error of this size (data units) away from its teacher."""
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
    values = metric(name).measure(samples())
    assert list(values) == list(metric(name).meanings)
    assert all(type(value) is float and np.isfinite(value) for value in values.values())


@every_metric
def test_the_same_samples_give_the_same_bits(name):
    assert metric(name).measure(samples()) == metric(name).measure(samples())


@every_metric
def test_a_student_that_is_its_teacher_scores_the_floor(name):
    copy = samples().with_teacher_as_student()
    assert metric(name).measure(copy) == metric(name).floor(samples())


@every_metric
def test_the_floor_does_not_depend_on_the_student(name):
    assert metric(name).floor(samples(0.1)) == metric(name).floor(samples(2.0))


@every_metric
def test_a_poor_student_scores_worse_than_the_floor(name):
    values, floor = metric(name).measure(samples(2.0)), metric(name).floor(samples())
    for number, meaning in metric(name).meanings.items():
        sign = 1 if meaning.better == "higher" else -1
        assert sign * values[number] < sign * floor[number], number


@every_metric
def test_the_order_of_the_pairs_does_not_matter(name):
    rows = np.random.RandomState(2).permutation(500)
    here = samples()
    turned = replace(here, x_T=here.x_T[rows], x_0=here.x_0[rows], x_0_hat=here.x_0_hat[rows])
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
