"""Laws of every registered student."""

import pytest
import torch
from torch import Tensor

from kdm.batch import Batch
from kdm.students.student import GROUP, Student, StudentPlugin
from kdm.training.adam import Adam
from kdm.training.options import TrainingOptions
from storage.plugins import configure, describe, plugin_names
from storage.records import PairSchema

SCHEMA = PairSchema(shape=(2,))
every_student = pytest.mark.parametrize("name", plugin_names(GROUP))


def build(name: str, seed: int = 0) -> Student:
    torch.manual_seed(seed)
    plugin = configure(GROUP, name)
    assert isinstance(plugin, StudentPlugin)
    return plugin.build(SCHEMA)


def noise(num_samples: int = 40) -> Tensor:
    return torch.randn(num_samples, 2, generator=torch.Generator().manual_seed(1))


def pairs() -> Batch:
    return Batch(torch.arange(40), x_0=torch.tanh(2 * noise()), x_T=noise())


@every_student
def test_it_builds_from_its_defaults_and_from_its_own_description(name: str) -> None:
    plugin = configure(GROUP, name)
    assert configure(GROUP, describe(plugin)) == plugin
    assert build(name).nfe == 1


@every_student
def test_samples_have_the_shape_of_the_schema_and_are_finite(name: str) -> None:
    x_0 = build(name).generate(noise())
    assert x_0.shape == (40, 2)
    assert x_0.isfinite().all()
    assert not x_0.requires_grad


@every_student
def test_a_sample_depends_on_its_noise_and_on_nothing_else(name: str) -> None:
    student = build(name)
    whole = student.generate(noise(), seed=1)
    parts = [student.generate(part, seed=2) for part in noise().split([1, 3, 36])]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-6)
    assert torch.equal(whole, student.generate(noise(), seed=1))


@every_student
def test_steps_along_the_gradient_lower_the_loss(name: str) -> None:
    (player,) = build(name).objective().players
    adam, totals = Adam(player.module, TrainingOptions()), []
    for _ in range(30):
        torch.manual_seed(0)
        adam.zero_grad()
        losses = player.loss(pairs())
        losses.total.backward()
        adam.step(1e-3)
        totals.append(losses.total.item())
    assert totals[-1] < totals[0]


@every_student
def test_weights_alone_make_the_student(name: str) -> None:
    student, other = build(name), build(name, seed=1)
    assert not torch.equal(student.generate(noise()), other.generate(noise()))
    other.load_state_dict(student.state_dict())
    assert torch.equal(student.generate(noise()), other.generate(noise()))


@every_student
def test_inference_needs_no_more_parameters_than_training(name: str) -> None:
    student = build(name)
    assert 0 < student.num_inference_parameters() <= student.num_trainable_parameters()


@every_student
def test_an_operator_is_a_matrix_with_a_spectrum_or_there_is_none(name: str) -> None:
    operator = build(name).operator
    if operator is not None:
        d = len(operator.matrix())
        assert operator.matrix().shape == (d, d)
        assert operator.eigenvalues().shape == (d,)
