"""Laws of every registered teacher."""

import pytest
import safetensors.torch
import torch
from torch import Tensor

from kdm.batch import Batch
from pairgen.teachers.teacher import TeacherPlugin, load_teacher, weights_digest
from storage.errors import MismatchError
from storage.plugins import configure, describe, plugin_names

GROUP = "pairgen.teachers"
every_teacher = pytest.mark.parametrize("name", plugin_names(GROUP))
every_trained_teacher = pytest.mark.parametrize(
    "name", [name for name in plugin_names(GROUP) if configure(GROUP, name).is_trained]
)
SHAPE = (2,)


def plugin(name: str) -> TeacherPlugin:
    return configure(GROUP, name)


def points() -> Tensor:
    return torch.randn(12, *SHAPE, generator=torch.Generator().manual_seed(1))


def weights_of(name: str) -> bytes | None:
    if not plugin(name).is_trained:
        return None
    torch.manual_seed(0)
    return safetensors.torch.save(plugin(name).build(SHAPE).state_dict())


@every_teacher
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_the_velocity_is_like_x_and_finite_from_data_to_noise(name, t):
    field = plugin(name).build(SHAPE)
    velocity = field.velocity(points(), torch.tensor(t * field.t_noise))
    assert velocity.shape == points().shape
    assert velocity.dtype == points().dtype
    assert velocity.isfinite().all()


@every_teacher
def test_one_time_for_all_equals_that_time_for_each(name):
    field = plugin(name).build(SHAPE)
    for_all = field.velocity(points(), torch.tensor(0.3, dtype=torch.float64))
    assert torch.equal(field.velocity(points(), torch.full((12,), 0.3)), for_all)


@every_teacher
def test_a_velocity_depends_on_its_own_point_and_time_alone(name):
    field, times = plugin(name).build(SHAPE), torch.linspace(0.1, 0.9, 12)
    shuffled = torch.randperm(12)
    velocity = field.velocity(points(), times)[shuffled]
    assert torch.allclose(field.velocity(points()[shuffled], times[shuffled]), velocity, atol=1e-6)


@every_trained_teacher
def test_every_weight_learns(name):
    objective = plugin(name).objective(SHAPE)
    (player,) = objective.players
    losses = player.loss(Batch(torch.arange(12), points()))
    losses.total.backward()
    assert losses.total.isfinite()
    assert all(weight.grad.abs().sum() > 0 for weight in objective.model.parameters())


@every_teacher
def test_a_loaded_teacher_is_the_saved_one_ready_to_sample(name):
    weights = weights_of(name)
    digest = weights_digest(plugin(name), weights)
    torch.manual_seed(0)
    built, t = plugin(name).build(SHAPE), torch.tensor(0.5)
    random_state = torch.get_rng_state()
    loaded = load_teacher(plugin(name), SHAPE, weights=weights, digest=digest)
    assert torch.equal(loaded.velocity(points(), t), built.velocity(points(), t))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not loaded.training


@every_teacher
def test_weights_with_another_digest_are_refused(name):
    with pytest.raises(MismatchError, match=f"weights of teacher '{name}' have digest"):
        load_teacher(plugin(name), SHAPE, weights=weights_of(name), digest="0" * 64)


@every_teacher
def test_its_description_makes_it_again(name):
    assert configure(GROUP, describe(plugin(name))) == plugin(name)
