"""KDM of pictures: its U-Nets, labels and linear layer, and the paper's sizes (App. E.3)."""

from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from flows.cli import app
from kdm.batch import Batch
from kdm.coders.unet_coders import UNetCoders
from kdm.presets.presets import preset
from kdm.students.koopman import Koopman
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.koopman_student import KoopmanStudent
from storage.plugins import configure
from storage.records import LabelRule, NoiseRule, PairSchema

SCHEMA = PairSchema(shape=(1, 8, 8), noise=NoiseRule(scale=80), label=LabelRule(num_classes=3))
LABELS = torch.tensor([0, 1, 2, 0])
COUNTS = {  # trainable and for sampling, counted in azencot-group/KDM
    "cifar10": (47_476_165, 32_000_644),
    "cifar10-kdm-f": (50_622_917, 35_147_396),
    "cifar10-cond": (47_489_541, 32_013_316),
    "ffhq64": (18_203_365, 12_224_324),
    "afhqv2-64": (18_203_365, 12_224_324),
    "cifar10-20m": (19_220_125, 13_163_284),
}


def small(schema: PairSchema = SCHEMA, **networks: Any) -> KoopmanStudent:
    torch.manual_seed(0)
    size = {"model_channels": 8, "channel_mult": (1, 2), "num_blocks": 1, "dropout": 0.0}
    coders = UNetCoders(**{**size, **networks})
    losses = KoopmanLosses(rec=1, lat=1, rec_lat_share=0.5, latent_noise=0)
    student = Koopman(networks=coders, losses=losses).build(schema)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return student


def batch() -> Batch:
    x_0, unit = torch.randn(2, 4, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    return Batch(torch.arange(4), x_0=x_0, x_T=80 * unit, label=LABELS)


@pytest.mark.parametrize("name", COUNTS)
def test_presets_have_the_published_numbers_of_parameters(name: str) -> None:
    student = preset(name, "published").build()
    counted = student.num_trainable_parameters(), student.num_inference_parameters()
    assert counted == COUNTS[name]


@pytest.mark.parametrize(("name", "d"), [("cifar10", 1024), ("cifar10-4096", 4096)])
def test_matrices_have_the_sizes_of_table_6(name: str, d: int) -> None:
    chosen = preset(name)
    assert isinstance(chosen.student, Koopman)
    assert chosen.student.networks.num_latents(chosen.schema) == d


def test_a_preset_can_leave_out_terms_as_table_5_does() -> None:
    student = preset("cifar10", "published", terms="lat+pred", has_adversary=False).student
    assert isinstance(student, Koopman)
    assert student.losses.weights == {"rec": 0, "lat": 1, "pred": 1}
    assert student.adversary is None


def test_the_command_shows_a_preset_as_a_recipe_has_it() -> None:
    yaml = pytest.importorskip("yaml")
    ended = CliRunner().invoke(app, ["student", "presets", "cifar10", "--published"])
    choice = yaml.safe_load(ended.output)["model"]
    assert configure("kdm.students", choice) == preset("cifar10", "published").student


def test_passing_both_latents_at_once_gives_what_each_gives_alone() -> None:
    student, pairs = small(), batch()
    trace = student.trace(pairs)
    assert trace.pushed is not None
    assert trace.z_0 is not None
    assert trace.x_pred is not None
    assert trace.x_rec is not None
    assert torch.allclose(trace.x_pred, student.decode(trace.pushed, LABELS), atol=1e-5)
    assert torch.allclose(trace.x_rec, student.decode(trace.z_0, LABELS[:2]), atol=1e-5)


def test_pushing_adds_what_the_label_is_worth() -> None:
    student, z = small(), torch.zeros(3, 64)
    control = student.control
    assert control is not None
    shift = student.push(z, torch.arange(3)) - student.operator(z)
    assert torch.allclose(shift, control.weight.T + control.bias, atol=1e-6)


@pytest.mark.parametrize("labels", ["nowhere", "networks", "networks-and-control"])
def test_labels_matter_where_they_are_asked_for(labels: Any) -> None:
    student, x_T = small(labels=labels), batch().noise()
    as_they_are, others = student.generate(x_T, LABELS), student.generate(x_T, 2 - LABELS)
    assert (student.control is not None) == (labels == "networks-and-control")
    assert torch.equal(as_they_are, others) == (labels == "nowhere")


def test_missing_and_unknown_labels_are_refused_with_those_that_exist() -> None:
    student, x_T = small(), batch().noise()
    with pytest.raises(ValueError, match="got no label; give one of 0 … 2"):
        student.generate(x_T)
    with pytest.raises(ValueError, match="reach from 0 to 3; this student knows 0 … 2"):
        student.generate(x_T, torch.tensor([0, 1, 2, 3]))


def test_noise_goes_in_by_its_deviation_or_as_it_is() -> None:
    x_T = batch().noise()
    scaled, raw = small(), small(scales_noise=False)
    assert torch.allclose(scaled.encode_T(x_T, LABELS), raw.encode_T(x_T / 80, LABELS), atol=1e-6)


def test_a_linear_layer_sets_the_number_of_latents() -> None:
    student = small(latent_dim=12)
    assert student.encode_T(batch().noise(), LABELS).shape == (4, 12)
    assert student.operator.matrix().shape == (12, 12)
    assert student.generate(batch().noise(), LABELS).shape == (4, 1, 8, 8)


def test_sampling_is_without_dropout_and_leaves_training_as_it_was() -> None:
    student = small(dropout=0.5).train()
    x_T = batch().noise()
    assert torch.equal(student.generate(x_T, LABELS), student.generate(x_T, LABELS))
    assert all(module.training for module in student.modules())


@pytest.mark.parametrize(
    ("shape", "reason"),
    [((2,), "square pictures"), ((3, 8, 4), "square pictures"), ((3, 9, 9), "multiple of 2")],
)
def test_samples_that_a_unet_cannot_take_are_refused(shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        small(PairSchema(shape=shape))
