"""Students with `init: teacher`: before training they are their teacher's denoiser at the level of x_T."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from kdm.batch import Batch
from kdm.flops import sample_flops
from kdm.networks.denoiser_velocity import DenoiserVelocity
from kdm.students.mean_flow import MeanFlow
from kdm.students.plugin import GROUP
from kdm.students.reflow import Reflow
from kdm.students.regression import Regression
from kdm.students.student import Student
from kdm.students.teacher_start import FromTeacher, TeacherNetwork
from kdm.training.teacher_weights import take_over
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.edm_field import EdmField
from pairgen.teachers.imported_network import ImportedTeacher
from pairgen.teachers.plugin import TeacherPlugin
from storage.plugins import configure, describe
from storage.records import LabelRule, NoiseRule, PairSchema

SHAPE = (3, 8, 8)
SCHEMA = PairSchema(shape=SHAPE, noise=NoiseRule(scale=80), label=LabelRule(num_classes=3))
LABELS = torch.arange(5) % 3
WEIGHTS = "ab" * 32
SIZES: dict[str, Any] = {"model_channels": 8, "channel_mult": (1, 2), "num_blocks": 1}
TRAINED = EdmTeacher(
    network={"kind": "song-unet", **SIZES, "attn_resolutions": (4,)},
    num_classes=3,
    dropout=0.1,
    label_dropout=0.1,
    augment={},
)
ADM = EdmTeacher(network={"kind": "dhariwal-unet", **SIZES}, num_classes=3, augment={})
KINDS = (Regression, Reflow, MeanFlow)


def imported(precond: str, **more: Any) -> ImportedTeacher:
    keywords = {"model_type": "SongUNet", "img_resolution": 8, "img_channels": 3, "label_dim": 3}
    keywords |= SIZES | {"channel_mult": [1, 2], "augment_dim": 9, "use_fp16": False} | more
    return ImportedTeacher(precond=precond, init_kwargs=keywords, noise_std=80)


TEACHERS = {
    "song-unet": TRAINED,
    "dhariwal-unet": ADM,
    "vp": imported("VPPrecond"),
    "ve": imported("VEPrecond", encoder_type="residual", embedding_type="fourier"),
}


def field_of(plugin: TeacherPlugin) -> EdmField:
    """Weights large enough to matter."""
    torch.manual_seed(0)
    field = plugin.build(SHAPE)
    assert isinstance(field, EdmField)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return field.eval().requires_grad_(False)


def network_of(plugin: TeacherPlugin) -> TeacherNetwork:
    return TeacherNetwork.of(*plugin.network_for_students(SHAPE), WEIGHTS)


def started(
    kind: type[Any], plugin: TeacherPlugin, init: Mapping[str, Any] | None = None, **options: Any
) -> Student:
    chosen = {"network": network_of(plugin), **(init or {})}
    student = kind(init=chosen, **options).build(SCHEMA)
    take_over(student, field_of(plugin).state_dict())
    return student


def noise() -> Tensor:
    return 80 * torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(1))


def near(found: Tensor, wanted: Tensor, share: float = 1e-6) -> bool:
    return float((found - wanted).abs().max()) <= share * float(wanted.abs().max())


@pytest.mark.parametrize("teacher", TEACHERS)
@pytest.mark.parametrize("kind", KINDS)
def test_before_training_a_sample_is_the_teachers_denoised_noise(
    kind: type[Any], teacher: str
) -> None:
    x_T, plugin = noise(), TEACHERS[teacher]
    wanted = field_of(plugin).denoised(x_T, torch.full((1,), 80.0), LABELS)
    student = started(kind, plugin, data_scale=0.5)
    assert near(student.generate(x_T, LABELS), wanted, 2e-6)
    if kind is Regression:  # bit for bit, as long as the weights learn; then folded
        assert torch.equal(student.generate(x_T, LABELS), wanted)
    assert near(student.requires_grad_(False).generate(x_T, LABELS), wanted, 2e-6)


@pytest.mark.parametrize("teacher", TEACHERS)
def test_a_started_velocity_is_that_of_the_teachers_flow(teacher: str) -> None:
    field, s = field_of(TEACHERS[teacher]), 0.5
    network = started(Reflow, TEACHERS[teacher], data_scale=s).network.eval()
    assert isinstance(network, DenoiserVelocity)
    one_hot, x_t = torch.eye(3)[LABELS], noise() / 80
    for t in (0.1, 0.5, 0.9):
        # x_σ = s x_t / (1 − t) at σ = s t / (1 − t), hence dx_t/dt from dx/dσ by the chain rule.
        x, sigma = s * x_t / (1 - t), torch.tensor(s * t / (1 - t))
        wanted = field.velocity(x, sigma, LABELS) / (1 - t) - x / s
        with torch.no_grad():
            assert near(network(x_t, torch.tensor([t]), one_hot), wanted, 1e-5)
            assert network(x_t, torch.tensor([1e-5]), one_hot).isfinite().all()


def test_an_interval_changes_nothing_until_it_has_been_learned() -> None:
    network = started(MeanFlow, TRAINED).network.eval()
    x, t, labels = noise() / 80, torch.tensor([0.7]), torch.eye(3)[LABELS]
    with torch.no_grad():
        whole, none = network(x, t, labels, t), network(x, t, labels, 0 * t)
    assert torch.equal(whole, none)
    student = started(MeanFlow, TRAINED)
    x_T = noise()
    loss = student.measure(Batch(torch.arange(5), x_0=torch.tanh(x_T), x_T=x_T, label=LABELS))
    loss.total.backward()
    gradient = student.network.denoiser.model.map_augment.weight.grad
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_students_with_random_weights_are_as_before(kind: type[Any]) -> None:
    assert "init" not in describe(kind())
    assert kind(init="random") == kind()
    network = network_of(TRAINED)
    chosen = kind(init={"network": network.model_dump()})
    assert describe(chosen)["init"]["network"]["weights"] == WEIGHTS
    assert configure(GROUP, describe(chosen)) == chosen


def test_what_the_teacher_learned_with_is_not_the_students() -> None:
    network = network_of(TRAINED)
    for name in ("dropout", "label_dropout", "augment_dim", "use_fp16"):
        assert name not in network.init_kwargs
        assert name not in network_of(imported("EDMPrecond")).init_kwargs
    options = FromTeacher(network=network, dropout=0.3).denoiser(SCHEMA).model.options
    assert (options.dropout, options.label_dropout, options.augment_dim) == (0.3, 0.0, 0)


def test_a_plan_without_a_known_teacher_counts_edms_network_for_cifar() -> None:
    pictures = PairSchema(shape=(3, 32, 32), noise=NoiseRule(scale=80))
    plan = Regression(init="teacher")
    assert sample_flops(plan, pictures).total == pytest.approx(42.25e9, rel=0.01)
    with torch.device("meta"):
        # EDM's 55,733,891, without the layer for nine parameters of an augmentation.
        assert plan.build(pictures).num_trainable_parameters() == 55_733_891 - 9 * 128


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"init": "teachers"}, "choose 'random' or 'teacher'"),
        ({"init": "teacher", "network": {"kind": "song-unet"}}, "leave out network"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_other_sizes_beside_the_teachers_are_refused(
    kind: type[Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        kind(**options)
    with pytest.raises(ValueError, match="leave out width"):
        Regression(init="teacher", width=8)


def test_pairs_that_a_start_does_not_fit_are_refused() -> None:
    known = Regression(init={"network": network_of(TRAINED)})
    with pytest.raises(ValueError, match="for pictures of shape"):
        Regression(init="teacher").require_trainable(PairSchema(shape=(2,)))
    with pytest.raises(ValueError, match="nobody has said which"):
        Regression(init="teacher").require_trainable(SCHEMA)
    with pytest.raises(ValueError, match=r"shape \(3, 8, 8\), not \(1, 8, 8\)"):
        known.require_trainable(SCHEMA.model_copy(update={"shape": (1, 8, 8)}))
    with pytest.raises(ValueError, match="distinguishes 3 classes, but the pairs have none"):
        known.require_trainable(SCHEMA.model_copy(update={"label": None}))
    known.require_trainable(SCHEMA)


@pytest.mark.parametrize(
    "teacher",
    [
        EdmTeacher(),
        configure("pairgen.teachers", "flow-matching"),
        configure("pairgen.teachers", "gaussian"),
    ],
)
def test_teachers_that_are_no_denoisers_of_pictures_are_refused(teacher: TeacherPlugin) -> None:
    with pytest.raises(ValueError, match="isn't a denoiser"):
        teacher.network_for_students(SHAPE)
