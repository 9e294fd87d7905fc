"""Classifier-free guidance around any teacher."""

import pytest
import torch
from torch import Tensor

from pairgen.samplers.edm_heun import EdmHeun
from pairgen.spec import require_generable
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.edm_field import EdmField
from pairgen.teachers.guided import Guided, sampled_field
from pairgen.teachers.teacher import Teacher
from storage.records import LabelRule, PairSchema


def teacher() -> EdmField:
    torch.manual_seed(0)
    return EdmTeacher(num_classes=4).build((2,)).eval().requires_grad_(False)


def points() -> Tensor:
    return torch.randn(8, 2, generator=torch.Generator().manual_seed(1))


LABEL, T = torch.arange(8) % 4, torch.tensor(2.0)


def test_a_guided_velocity_is_one_plus_w_of_the_labels_less_w_of_none():
    with_label, without = (teacher().velocity(points(), T, label) for label in (LABEL, None))
    guided = Guided(teacher(), 0.7).velocity(points(), T, LABEL)
    assert torch.allclose(guided, 1.7 * with_label - 0.7 * without, atol=1e-6)
    assert not torch.allclose(guided, with_label, atol=1e-3)


def test_no_weight_leaves_the_teacher_as_it_is():
    assert torch.equal(
        Guided(teacher(), 0.0).velocity(points(), T, LABEL), teacher().velocity(points(), T, LABEL)
    )
    field = teacher()
    assert sampled_field(field, None) is field


def test_times_noise_weights_and_number_type_are_the_teachers():
    field: Teacher = teacher()
    field.t_lowest = 0.02
    guided = sampled_field(field, 1.5)
    guided.dtype = torch.bfloat16
    assert (guided.t_noise, guided.noise_scale, guided.t_lowest) == (80.0, 80.0, 0.02)
    assert field.dtype == guided.dtype == torch.bfloat16
    assert list(guided.parameters()) == list(field.parameters())


def test_samples_are_pushed_to_their_labels():
    x_T = 80 * points()
    plain = EdmHeun(num_steps=5).sample(teacher(), x_T, LABEL)
    guided = EdmHeun(num_steps=5).sample(Guided(teacher(), 2.0), x_T, LABEL)
    assert not torch.allclose(guided.x_0, plain.x_0, atol=1e-3)
    assert (plain.nfe, guided.nfe) == (9, 18)


def test_guidance_without_labels_is_refused_before_and_while_it_is_sampled():
    with pytest.raises(ValueError, match=r"guidance is 1\.5, .* but the pairs are unlabelled"):
        require_generable(PairSchema(shape=(2,)), EdmHeun(), guidance=1.5)
    with pytest.raises(ValueError, match="guidance needs labels"):
        Guided(teacher(), 1.5).velocity(points(), T)
    labelled = PairSchema(shape=(2,), label=LabelRule(num_classes=4))
    require_generable(labelled, EdmHeun(), guidance=1.5)
