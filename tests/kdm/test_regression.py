"""Regression: an MLP as it always was, or one U-Net for pictures."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from kdm.batch import Batch
from kdm.networks.mlp import MLP
from kdm.students.regression import Regression
from kdm.students.regression_student import RegressionStudent
from storage.plugins import describe
from storage.records import LabelRule, NoiseRule, PairSchema

SCHEMA = PairSchema(shape=(1, 8, 8), noise=NoiseRule(scale=80), label=LabelRule(num_classes=3))
UNET = {"kind": "song-unet", "model_channels": 8, "channel_mult": (1, 2), "num_blocks": 1}
LABELS = torch.tensor([0, 1, 2, 0])


def small(**network: Any) -> RegressionStudent:
    torch.manual_seed(0)
    student = Regression(network={**UNET, **network}, data_scale=2).build(SCHEMA)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return student


def batch() -> Batch:
    x_0, unit = torch.randn(2, 4, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    return Batch(torch.arange(4), x_0=x_0, x_T=80 * unit, label=LABELS)


def test_the_mlp_keeps_its_name_and_its_weights() -> None:
    assert "network" not in describe(Regression())
    torch.manual_seed(0)
    student = Regression(width=8, num_layers=2).build(PairSchema(shape=(2,)))
    torch.manual_seed(0)
    network = MLP(2, 2, width=8, num_layers=2, input_gain=2.0, gain=1.5)
    assert all(
        torch.equal(student.state_dict()[f"network.{name}"], each)
        for name, each in network.state_dict().items()
    )


def test_options_of_the_mlp_are_refused_beside_a_unet() -> None:
    with pytest.raises(ValidationError, match="width and gain would be the MLP's"):
        Regression(network=UNET, width=8, gain=1)


def test_the_loss_is_the_distance_of_its_samples_in_scaled_units() -> None:
    student, pairs = small(dropout=0.0), batch()
    samples = student.generate(pairs.noise(), LABELS)
    pred = student.measure(pairs).terms["pred"]
    assert torch.allclose(pred, F.mse_loss(samples / 2, pairs.x_0 / 2))


def test_labels_matter_where_they_are_asked_for() -> None:
    x_T = batch().noise()
    for sees_labels in (True, False):
        student = small(sees_labels=sees_labels)
        others = student.generate(x_T, 2 - LABELS)
        is_equal = torch.isclose(student.generate(x_T, LABELS), others).flatten(1).all(1)
        assert is_equal.tolist() == ([False, True, False, False] if sees_labels else [True] * 4)


def test_labels_that_are_missing_are_refused() -> None:
    with pytest.raises(ValueError, match="got no label; give one of 0 … 2"):
        small().generate(batch().noise())


def test_sampling_is_without_dropout_and_leaves_training_as_it_was() -> None:
    student, x_T = small(dropout=0.5).train(), batch().noise()
    assert torch.equal(student.generate(x_T, LABELS), student.generate(x_T, LABELS))
    assert all(module.training for module in student.modules())


def test_samples_that_a_unet_cannot_take_are_refused() -> None:
    with pytest.raises(ValueError, match="square pictures"):
        Regression(network=UNET).require_shape((2,))
