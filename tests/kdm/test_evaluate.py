"""An evaluation: whose samples it draws, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kdm.evaluate.draw import TeacherSamples, draw_samples, fresh_noise
from kdm.evaluate.evaluate import evaluate_student, meanings_of, measure_samples
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.evaluate.throughput import measure_throughput
from kdm.metrics.cells import Cells
from kdm.students.regression import Regression
from kdm.students.student import Student
from storage.digest import seal
from storage.noise import derive_noise
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema

SCHEMA = PairSchema(shape=(2,), noise=NoiseRule(seed=5))
OPTIONS = EvaluationOptions(num_fresh=300, batch_size=128)


def student() -> Student:
    torch.manual_seed(0)
    return Regression(width=8, num_layers=3).build(SCHEMA)


def teacher(schema: PairSchema = SCHEMA, num_others: int = 700) -> TeacherSamples:
    """A closed-form teacher, x_0 = tanh(2 x_T)."""
    x_T = derive_noise(schema.noise, "heldout", np.arange(200), (2,))
    others = np.tanh(2 * derive_noise(schema.noise, "train", np.arange(num_others), (2,)))
    return TeacherSamples(PairBatch(np.arange(200), x_T, np.tanh(2 * x_T)), others, schema)


def test_an_evaluation_is_bit_reproducible():
    first, again = (evaluate_student(student(), teacher(), options=OPTIONS) for _ in range(2))
    assert seal(first) == seal(again)
    assert first["values"].keys() == first["floor"].keys() == meanings_of(OPTIONS.metrics).keys()


def test_the_student_gets_the_held_out_noise_and_the_whole_of_it():
    drawn, model = draw_samples(student(), teacher(), options=OPTIONS), student()
    with torch.no_grad():
        expected = model.generate(torch.from_numpy(drawn.x_T[128:]))
    assert drawn.x_0_hat.shape == (200, 2)
    assert np.array_equal(drawn.x_0_hat[128:], expected.numpy())


def test_no_pair_has_the_fresh_noise_even_with_the_seed_of_the_pairs():
    fresh, _ = fresh_noise(SCHEMA, seed=5, count=300)
    for split in ("train", "heldout"):
        assert not np.isin(fresh, derive_noise(SCHEMA.noise, split, np.arange(300), (2,))).any()


def test_fresh_noise_has_the_scale_and_the_classes_of_the_pairs():
    rule = LabelRule(rule="stored", num_classes=3)
    schema = PairSchema(shape=(2,), noise=NoiseRule(kind="stored", scale=80.0), label=rule)
    fresh, label = fresh_noise(schema, seed=0, count=1000)
    assert fresh.std() == pytest.approx(80, rel=0.1)
    assert label is not None
    assert label.tolist()[:4] == [0, 1, 2, 0]


def test_teacher_sets_share_no_sample_and_shrink_together():
    drawn = draw_samples(student(), teacher(num_others=401), options=OPTIONS)
    assert len(drawn.reference) == len(drawn.second_reference) == drawn.num_fresh == 200
    assert not np.isin(drawn.reference, drawn.second_reference).any()


def test_a_teacher_with_too_few_samples_is_refused():
    with pytest.raises(ValueError, match="200 held-out pairs and 1 other"):
        draw_samples(student(), teacher(num_others=1), options=OPTIONS)


@pytest.mark.parametrize("name", ["x_0_hat", "fresh_x_0_hat"])
def test_a_student_that_gives_nan_is_named(name):
    drawn = draw_samples(student(), teacher(), options=OPTIONS)
    broken = getattr(drawn, name).copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match=f"{name}: 1 of .* NaN or Inf"):
        replace(drawn, **{name: broken})


def test_a_wrong_shape_is_named():
    drawn = draw_samples(student(), teacher(), options=OPTIONS)
    with pytest.raises(ValueError, match=r"x_0_hat has shape \[199, 2\]; it must be \[200, 2\]"):
        replace(drawn, x_0_hat=drawn.x_0_hat[:199])


def test_a_number_that_two_metrics_give_is_refused():
    twice = EvaluationOptions(metrics=(Cells(), Cells()))
    with pytest.raises(ValueError, match="two metrics give in_cells"):
        measure_samples(draw_samples(student(), teacher(), options=OPTIONS), twice)


def test_options_come_back_from_the_document():
    document = evaluate_student(student(), teacher(), options=OPTIONS)
    assert EvaluationOptions.model_validate(document["options"]) == OPTIONS


def test_a_throughput_counts_every_sample_once():
    rate = measure_throughput(student(), teacher().heldout.x_T, options=OPTIONS, num_passes=2)
    assert (rate.nfe, rate.num_samples, rate.batch_size) == (1, 200, 128)
    assert rate.document()["samples_per_second"] == pytest.approx(200 / rate.wall_seconds)


def labelled_teacher(other_label: np.ndarray) -> TeacherSamples:
    schema = SCHEMA.model_copy(update={"label": LabelRule(num_classes=3)})
    given, index = teacher(num_others=len(other_label)), np.arange(200)
    heldout = replace(given.heldout, label=index % 3)
    marked = np.stack([other_label, np.arange(len(other_label))], axis=1).astype(np.float32)
    return TeacherSamples(heldout, marked, schema, other_label)


def test_with_classes_the_teachers_sets_have_those_of_the_fresh_noise_row_for_row():
    kept = np.delete(np.arange(700) % 3, np.arange(0, 300, 3))  # a filter dropped many of class 0
    drawn = draw_samples(student(), labelled_teacher(kept), options=OPTIONS)
    assert drawn.num_fresh == 201  # 134 of class 0 are left, 67 for each set
    for part in (drawn.reference, drawn.second_reference):
        assert np.array_equal(part[:, 0], drawn.fresh_label)
    rows = np.concatenate([drawn.reference[:, 1], drawn.second_reference[:, 1]])
    assert len(np.unique(rows)) == 402


def test_a_class_that_the_teacher_lacks_leaves_nothing_to_compare():
    with pytest.raises(ValueError, match="with classes 2 of each"):
        draw_samples(student(), labelled_teacher(np.ones(700, np.int64)), options=OPTIONS)


def test_a_throughput_asks_for_classes_where_pairs_have_them():
    network = {"kind": "song-unet", "model_channels": 8, "channel_mult": [1], "num_blocks": 1}
    schema = PairSchema(shape=(1, 8, 8), label=LabelRule(num_classes=3))
    model = Regression.model_validate({"network": network}).build(schema)
    x_T = np.zeros((20, 1, 8, 8), np.float32)
    assert measure_throughput(model, x_T, np.arange(20) % 3, options=OPTIONS).num_samples == 20
    with pytest.raises(ValueError, match="got no label"):
        measure_throughput(model, x_T, options=OPTIONS)
