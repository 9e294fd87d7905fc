"""Laws of every registered teacher."""

import pytest
import safetensors.torch
import torch
from torch import Tensor

from kdm.batch import Batch
from pairgen.teachers.plugin import TeacherPlugin, weights_digest
from pairgen.teachers.teacher import Teacher, load_teacher
from storage.errors import MismatchError
from storage.plugins import configure, describe, plugin_class, plugin_names

GROUP = "pairgen.teachers"
every_teacher = pytest.mark.parametrize(
    "name", [name for name in plugin_names(GROUP) if not plugin_class(GROUP, name).is_given]
)
every_learner = pytest.mark.parametrize(
    "name",
    [
        name
        for name in plugin_names(GROUP)
        if (found := plugin_class(GROUP, name)).is_trained and not found.is_imported
    ],
)
SHAPES = {"imported": (3, 8, 8), "flow-matching-unet": (3, 8, 8)}  # else points
NETWORK = {"img_resolution": 8, "img_channels": 3, "model_channels": 8, "model_type": "SongUNet"}
NETWORK |= {"channel_mult": [1], "num_blocks": 1, "attn_resolutions": []}
GUIDED = {"num_channels": 64, "num_res_blocks": 1, "channel_mult": [1], "num_head_channels": 32}
NEEDED = {
    "imported": {"precond": "EDMPrecond", "init_kwargs": NETWORK, "noise_std": 80.0},
    "flow-matching-unet": GUIDED,
}


def plugin(name: str) -> TeacherPlugin:
    return configure(GROUP, {"plugin": name, **NEEDED.get(name, {})})


def built(name: str) -> Teacher:
    return plugin(name).build(SHAPES.get(name, (2,))).eval()


def points(name: str) -> Tensor:
    shape = SHAPES.get(name, (2,))
    return torch.randn(12, *shape, generator=torch.Generator().manual_seed(1))


def weights_of(name: str) -> bytes | None:
    if not plugin(name).is_trained:
        return None
    torch.manual_seed(0)
    field = built(name)
    held = field.denoiser if plugin(name).is_imported else field  # a checkpoint holds its network
    return safetensors.torch.save(held.state_dict())


@every_teacher
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_the_velocity_is_like_x_and_finite_from_data_to_noise(name, t):
    field = built(name)
    velocity = field.velocity(points(name), torch.tensor(t * field.t_noise))
    assert velocity.shape == points(name).shape
    assert velocity.dtype == points(name).dtype
    assert velocity.isfinite().all()


@every_teacher
def test_one_time_for_all_equals_that_time_for_each(name):
    field = built(name)
    for_all = field.velocity(points(name), torch.tensor(0.3, dtype=torch.float64))
    for_each = field.velocity(points(name), torch.full((12,), 0.3))
    assert torch.allclose(for_each, for_all, rtol=0, atol=1e-6)


@every_teacher
def test_a_velocity_depends_on_its_own_point_and_time_alone(name):
    field, times = built(name), torch.linspace(0.1, 0.9, 12)
    shuffled = torch.randperm(12)
    velocity = field.velocity(points(name), times)[shuffled]
    assert torch.allclose(
        field.velocity(points(name)[shuffled], times[shuffled]), velocity, atol=1e-6
    )


@every_teacher
def test_it_says_without_weights_how_strong_its_noise_is(name):
    assert built(name).noise_scale == plugin(name).noise_scale


@every_learner
def test_every_weight_learns(name):
    objective = plugin(name).objective(points(name).shape[1:])
    (player,) = objective.players
    for (
        weight
    ) in objective.model.parameters():  # some begin at 0, which hides what lies behind them
        torch.nn.init.normal_(weight, std=0.1)
    losses = player.loss(Batch(torch.arange(12), points(name)))
    losses.total.backward()
    assert losses.total.isfinite()
    assert all(weight.grad.abs().sum() > 0 for weight in objective.model.parameters())


@every_teacher
def test_a_loaded_teacher_is_the_saved_one_ready_to_sample(name):
    weights = weights_of(name)
    digest = weights_digest(plugin(name), weights)
    torch.manual_seed(0)
    fresh, t = built(name), torch.tensor(0.5)
    random_state = torch.get_rng_state()
    loaded = load_teacher(plugin(name), points(name).shape[1:], weights=weights, digest=digest)
    assert torch.equal(loaded.velocity(points(name), t), fresh.velocity(points(name), t))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert not loaded.training


@every_teacher
def test_weights_with_another_digest_are_refused(name):
    with pytest.raises(MismatchError, match=f"weights of teacher '{name}' have digest"):
        load_teacher(
            plugin(name), points(name).shape[1:], weights=weights_of(name), digest="0" * 64
        )


@every_teacher
def test_its_description_makes_it_again(name):
    assert configure(GROUP, describe(plugin(name))) == plugin(name)
