"""Laws of every kind of data set, and how a teacher is given one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pictures import LABELS, SHAPE, made

from kdm.datasets import DataSet, described
from kdm.training.inputs import DatasetInput
from kdm.training.options import TrainingOptions
from storage.options import parse

KINDS = {
    "checkerboard": {"num_train": 5, "num_heldout": 2},
    "digits": {},
    "arrays": {"source": "set.npz", "shape": SHAPE, "num_classes": 3, "num_heldout": 2},
}
every_kind = pytest.mark.parametrize("kind", KINDS)
TRAINING = TrainingOptions(num_steps=1, batch_size=4)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    np.savez(tmp_path / "set.npz", images=made(), labels=np.array(LABELS))
    monkeypatch.setenv("KDM_DATA", str(tmp_path))
    return tmp_path


def given(kind: str, **options: object) -> DatasetInput:
    dataset = {"kind": kind, **KINDS[kind], **options}
    return parse(DatasetInput, {"kind": "dataset", "dataset": dataset}, "input")


def opened(kind: str, **options: object) -> DataSet:
    return given(kind, **options).dataset


@every_kind
def test_a_data_set_is_read_by_its_kind(kind: str):
    assert opened(kind).kind == kind
    assert given(**opened(kind).model_dump(mode="json")).dataset == opened(kind)


def test_a_kind_that_there_is_not_is_refused_with_those_there_are():
    document = {"kind": "dataset", "dataset": {"kind": "chequerboard"}}
    with pytest.raises(ValueError, match=r"dataset: .*'chequerboard'.*'checkerboard', 'digits'"):
        parse(DatasetInput, document, "input")


@every_kind
def test_labels_are_one_class_for_each_sample_or_none_at_all(kind: str):
    data = opened(kind)
    for split, samples in (("train", data.train()), ("heldout", data.heldout())):
        labels = data.labels(split)
        assert (labels is None) == (data.num_classes is None)
        if labels is not None:
            assert (labels.dtype, labels.shape) == (np.int64, (len(samples),))
            assert 0 <= labels.min() <= labels.max() < data.num_classes


@every_kind
def test_a_teacher_gets_numbers_with_the_classes_that_stand_beside_them(kind: str):
    data = opened(kind)
    batch = given(kind).source(TRAINING, torch.device("cpu")).next_batch()
    rows = batch.index % len(data.train())
    shown = data.train()[rows]
    expected = shown.astype(np.float32) / 127.5 - 1 if shown.dtype == np.uint8 else shown
    assert np.allclose(batch.x_0.numpy(), expected, atol=1e-6)
    labels = data.labels("train")
    assert batch.label is None if labels is None else batch.label.tolist() == labels[rows].tolist()


@every_kind
def test_the_schema_of_a_data_set_names_its_classes(kind: str):
    data, schema = opened(kind), given(kind).pair_schema()
    assert schema.shape == data.shape
    assert (schema.label.num_classes if schema.label else None) == data.num_classes


def test_a_set_without_classes_keeps_the_digests_that_it_had():
    data = opened("checkerboard", num_train=200_000, num_heldout=20_000)
    assert data.digest()[:16] == "b25d8be280e89054"
    assert described(data) == data.model_dump(mode="json")


def test_a_description_leaves_out_what_makes_no_other_set(data_folder: Path):
    here, there = opened("arrays"), opened("arrays", source=str(data_folder / "set.npz"))
    said = opened("arrays", license="mit", in_memory_bytes=10**6)
    assert described(here) == described(there) == described(said)
    assert described(here) != described(opened("arrays", source="other.npz"))
