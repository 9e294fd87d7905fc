"""kdm-t with `init: teacher`: E is the teacher's denoiser at each point's level, D the same once more."""

from typing import Any

import pytest
import torch
from test_teacher_start import (
    LABELS,
    SCHEMA,
    TEACHERS,
    TRAINED,
    WEIGHTS,
    field_of,
    near,
    network_of,
    noise,
)
from torch import Tensor

from kdm.batch import Batch
from kdm.students.koopman_timed import KoopmanTimed
from kdm.students.koopman_timed_student import KoopmanTimedStudent
from kdm.students.plugin import GROUP
from kdm.training.teacher_weights import take_over
from pairgen.teachers.plugin import TeacherPlugin
from storage.plugins import configure, describe
from storage.records import PairSchema

SIGMAS = (80.0, 20.0, 3.0, 0.3)
LEVELS = [[1, sigma] for sigma in SIGMAS]
STATES = SCHEMA.model_copy(update={"num_states": 3})


def started(plugin: TeacherPlugin, **options: Any) -> KoopmanTimedStudent:
    model = KoopmanTimed(init={"network": network_of(plugin)}, levels=LEVELS, **options)
    student = model.build(STATES)
    take_over(student, field_of(plugin).state_dict())
    assert isinstance(student, KoopmanTimedStudent)
    return student


def denoised(teacher: str, x: Tensor, sigma: float) -> Tensor:
    return field_of(TEACHERS[teacher]).denoised(x, torch.full((1,), sigma), LABELS)


@pytest.mark.parametrize("teacher", TEACHERS)
def test_before_training_a_sample_is_denoised_twice(teacher: str) -> None:
    wanted = denoised(teacher, denoised(teacher, noise(), 80.0), 0.3)
    student = started(TEACHERS[teacher], data_scale=0.5)
    assert near(student.generate(noise(), LABELS), wanted, 1e-5)


@pytest.mark.parametrize("teacher", TEACHERS)
def test_a_latent_is_the_denoised_point_at_each_level(teacher: str) -> None:
    student = started(TEACHERS[teacher], data_scale=0.5)
    for number, sigma in enumerate(SIGMAS):
        x = noise() * sigma / 80
        with torch.no_grad():
            z = student.encode(x, torch.tensor([number]), LABELS)
        assert near(0.5 * z.reshape_as(x), denoised(teacher, x, sigma), 1e-5)
    data = torch.tanh(noise())  # at the lowest level that a denoiser knows, not at none
    with torch.no_grad():
        assert student.encode(data, torch.tensor([4]), LABELS).isfinite().all()


def test_the_decoders_time_changes_nothing_until_it_has_been_learned() -> None:
    student, z = started(TRAINED), noise().flatten(1) / 80
    with torch.no_grad():
        first, last = (student.decode(z, torch.tensor([each]), LABELS) for each in (1, 4))
    assert torch.equal(first, last)
    x_T = noise()
    states = torch.stack([x_T * sigma / 80 for sigma in SIGMAS[1:]], 1)
    batch = Batch(torch.arange(5), x_0=torch.tanh(x_T), x_T=x_T, states=states, label=LABELS)
    student.measure(batch).total.backward()
    learned = student.decoder.denoiser.model.map_augment.weight.grad
    assert learned.abs().max() > 0
    assert all(each.grad is not None for each in student.parameters())


def test_names_and_refusals() -> None:
    assert "init" not in describe(KoopmanTimed())
    chosen = KoopmanTimed(init={"network": network_of(TRAINED).model_dump()}, levels=LEVELS)
    assert describe(chosen)["init"]["network"]["weights"] == WEIGHTS
    assert configure(GROUP, describe(chosen)) == chosen
    with pytest.raises(ValueError, match="leave out networks"):
        KoopmanTimed(init="teacher", networks={"kind": "song-unet"})
    with pytest.raises(ValueError, match="nobody has said which"):
        KoopmanTimed(init="teacher", levels=LEVELS).require_trainable(STATES)
    with pytest.raises(ValueError, match="for pictures of shape"):
        KoopmanTimed(init="teacher").require_trainable(PairSchema(shape=(2,), num_states=3))
    with pytest.raises(ValueError, match="must be even for pairs, not 147"):
        KoopmanTimed(init="teacher").require_shape((3, 7, 7))
