"""What a student of labelled pictures is measured by: each number at points where it is known."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from labelled_samples import DATA, NUM, judge, picture_samples

from kdm.datasets.checkerboard import CheckerboardData
from kdm.evaluate.evaluate import measure_samples, require_needs
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.evaluate.linear_map import linear_predictions
from kdm.metrics.bootstrap import bootstrap
from kdm.metrics.class_agreement import ClassAgreement
from kdm.metrics.classifier_frechet import ClassifierFrechet
from kdm.metrics.paired_baselines import PairedBaselines
from kdm.metrics.samples import EvaluationSamples
from kdm.metrics.variance import Variance
from storage.records import LabelRule, PairBatch


@cache
def here() -> EvaluationSamples:
    """Made for the first test that asks: its judge takes a second to learn."""
    return picture_samples(0.3)


def landing(x_0_hat: np.ndarray) -> EvaluationSamples:
    return replace(here(), x_0_hat=x_0_hat.astype(np.float32))


def test_the_shuffled_errors_are_the_mean_over_every_other_pair():
    found = PairedBaselines().measure(here())
    own, teachers = (each.reshape(NUM, -1) for each in (here().x_0_hat, here().x_0))
    errors = ((own[:, None] - teachers).astype(np.float64) ** 2).sum(axis=2)
    assert here().label is not None
    is_other = ~np.eye(NUM, dtype=bool)
    in_class = [
        errors[i, is_other[i] & (here().label == here().label[i])].mean() for i in range(NUM)
    ]
    paired = np.diag(errors).mean()
    assert found["paired_over_shuffled"] == pytest.approx(
        paired / errors[is_other].mean(), rel=1e-5
    )
    assert found["paired_over_class_shuffled"] == pytest.approx(
        paired / np.mean(in_class), rel=1e-5
    )


def test_a_student_that_ignores_its_noise_but_not_its_class_scores_one_within_a_class():
    assert here().label is not None
    turned = np.empty_like(here().x_0)
    for label in range(10):
        rows = np.flatnonzero(here().label == label)
        turned[rows] = here().x_0[np.random.RandomState(0).permutation(rows)]
    found = PairedBaselines().measure(landing(turned))
    assert found["paired_over_class_shuffled"] == pytest.approx(1, abs=0.1)
    assert found["paired_over_shuffled"] < 0.7


def test_resampling_keeps_the_number_of_each_class():
    label = np.repeat([0, 1], [10, 30])
    found = bootstrap(lambda rows: float(label[rows].mean()), 40, label=label)
    assert found[:3] == (0.75, 0.75, 0.75)
    assert bootstrap(lambda rows: float(label[rows].mean()), 40).low < 0.7


def test_the_rival_scores_one_against_itself():
    assert here().linear_x_0 is not None
    assert PairedBaselines().measure(landing(here().linear_x_0))["paired_over_linear"] == 1


def test_the_variance_of_samples_at_half_their_size_is_a_quarter():
    assert Variance().measure(landing(0.5 * here().x_0 + 3)) == {
        "variance_over_teachers": pytest.approx(0.25, rel=1e-6)
    }


def test_samples_without_any_variance_are_refused():
    same = np.zeros_like(here().x_0)
    with pytest.raises(ValueError, match="held-out samples are all the same"):
        Variance().measure(replace(here(), x_0=same))


def test_a_student_with_its_teachers_samples_is_once_the_teachers_distance():
    assert here().judged is not None
    same = replace(here(), judged=replace(here().judged, fresh=here().judged.reference))
    found = ClassifierFrechet().estimates(same)["frechet_over_teachers"]
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_no_share_is_sure_however_many_are_right():
    assert here().judged is not None
    right = replace(here(), fresh_label=here().judged.fresh.classes)
    found = ClassAgreement().estimates(right)["class_agreement"]
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(
        1 - 1.96**2 / (NUM + 1.96**2), rel=1e-4
    )  # Wilson's where all are right


def test_held_out_real_pictures_score_the_classifiers_accuracy():
    document = measure_samples(here(), EvaluationOptions(metrics=(ClassAgreement(), Variance())))
    assert document["real"] == {"class_agreement": judge().accuracy["heldout"]}
    low, high = document["real_intervals"]["class_agreement"]
    assert low < judge().accuracy["heldout"] < high


def affine_pairs(num: int) -> PairBatch:
    """x_0 is another affine map of x_T in each of two classes, and noise of .1."""
    stream, maps = np.random.RandomState(num), np.random.RandomState(0).standard_normal((2, 9, 9))
    x_T, label = stream.standard_normal((num, 9)), np.arange(num) % 2
    x_0 = np.einsum("nij,nj->ni", maps[label], x_T) + label[:, None]
    x_0 += 0.1 * stream.standard_normal((num, 9))
    shaped = [each.reshape(num, 1, 3, 3).astype(np.float32) for each in (80 * x_T, x_0)]
    return PairBatch(np.arange(num), shaped[0], shaped[1], label)


def test_the_linear_rival_finds_each_classs_own_map():
    heldout = affine_pairs(300)
    errors = linear_predictions(affine_pairs(2000), heldout) - heldout.x_0
    assert np.sqrt((errors**2).mean()) == pytest.approx(0.1, rel=0.05)


def test_too_few_pairs_of_noise_shrink_the_linear_rival_instead_of_spoiling_it():
    stream = np.random.RandomState(0)
    x_T, x_0 = stream.standard_normal((2, 1060, 1, 8, 8)).astype(np.float32)
    pairs = PairBatch(np.arange(1060), x_T, x_0)
    found = linear_predictions(pairs.take(slice(60)), pairs.take(slice(60, None)))
    assert ((found - x_0[60:]) ** 2).mean() < 1.2 * x_0[60:].var()


def test_a_class_with_too_few_pairs_for_its_map_is_named():
    with pytest.raises(
        ValueError, match="class 1 has 4 training pairs; its linear map needs at lea"
    ):
        linear_predictions(affine_pairs(8).take(np.arange(8)), affine_pairs(300).take(slice(1, 2)))


@pytest.mark.parametrize(
    ("label", "dataset", "fault"),
    [
        (None, DATA, "pairs are unlabelled; leave 'class-agreement' out"),
        (LabelRule(num_classes=10), CheckerboardData(), "without a data set with classes"),
        (LabelRule(num_classes=10), None, "without a data set with classes"),
        (LabelRule(num_classes=3), DATA, "pairs have 3 classes, the data set 10"),
    ],
)
def test_what_a_metric_needs_is_asked_for_before_any_work(label, dataset, fault):
    with pytest.raises(ValueError, match=fault):
        require_needs(ClassAgreement.needs, label=label, dataset=dataset)
