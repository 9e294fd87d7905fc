"""The papers' students by name, in both modes, and as a recipe names them."""

from typing import Any

import pytest

from kdm.coders.unet_coders import UNetCoders
from kdm.losses.lpips import Lpips
from kdm.presets.preset_choice import with_preset
from kdm.presets.presets import preset, preset_names
from kdm.students.get import Get
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from storage.plugins import configure, describe

PICTURES = [name for name in preset_names() if name != "checkerboard"]
# One U-Net of 3 channels in and out: the decoder's 15,475,523 and 2 more channels in of 3×3×64.
UNET = 15_475_523 + 2 * 9 * 64


@pytest.mark.parametrize("name", ["cifar10-regression", "cifar10-reflow"])
def test_rivals_are_one_unet_of_kdms_size(name: str) -> None:
    student = preset(name).build()
    assert student.num_trainable_parameters() == student.num_inference_parameters() == UNET


def test_mean_flow_is_reflows_unet_that_also_sees_the_interval() -> None:
    chosen = preset("cifar10-mean-flow")
    assert chosen.build().num_trainable_parameters() == UNET + 64 * 64
    assert (chosen.training.learning_rate, chosen.training.betas) == (1e-4, (0.9, 0.99))
    assert chosen.training.ema is not None
    assert chosen.training.ema.decay == 0.9999


@pytest.mark.parametrize("name", ["cifar10", "cifar10-cond", "cifar10-kdm-f", "ffhq64", "get-b"])
def test_published_training_is_adams_at_a_constant_rate_with_an_average_from_step_0(
    name: str,
) -> None:
    training = preset(name, "published").training
    rate = 1e-4 if name == "get-b" else 3e-4
    assert (training.batch_size, training.learning_rate, training.schedule) == (
        128,
        rate,
        "constant",
    )
    assert (training.betas, training.warmup_steps) == ((0.9, 0.999), 0)
    assert training.ema is not None
    assert (training.ema.decay, training.ema.warmup) == (0.9999, None)


@pytest.mark.parametrize("name", ["cifar10", "cifar10-cond-kdm-f", "afhqv2-64"])
def test_published_students_see_raw_noise_and_lpips(name: str) -> None:
    student = preset(name, "published").student
    assert isinstance(student, Koopman | KoopmanFactorised)
    assert isinstance(student.networks, UNetCoders)
    assert not student.networks.scales_noise
    assert student.losses.distance == Lpips()
    assert student.losses.latent_noise == 0.4
    assert student.adversary is not None


@pytest.mark.parametrize("name", PICTURES)
def test_defaults_need_no_file(name: str) -> None:
    chosen = preset(name)
    chosen.student.require_shape(chosen.schema.shape)
    assert "lpips" not in str(describe(chosen.student))
    assert chosen.training.ema is not None
    assert chosen.training.ema.warmup is not None


@pytest.mark.parametrize(
    ("terms", "weights"),
    [("lat", (0, 1, 0)), ("rec+pred", (1, 0, 1)), ("rec+lat+pred", (1, 1, 1))],
)
def test_a_recipe_switches_terms_as_table_5_does(terms: Any, weights: tuple[int, ...]) -> None:
    choice = {"name": "kdm", "preset": {"name": "cifar10", "terms": terms, "mode": "published"}}
    model = configure("kdm.students", with_preset(choice)["model"])
    assert isinstance(model, Koopman)
    assert tuple(model.losses.weights.values()) == weights


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"name": "get-s", "terms": "lat+pred", "has_adversary": False}, "the losses of Table 5"),
        ({"name": "cifar10-reflow", "terms": "rec"}, "the losses of Table 5"),
        ({"name": "get-t", "has_adversary": True}, "lacks a critic"),
        ({"name": "checkerboard", "has_adversary": True}, "lacks a critic"),
        ({"name": "cifar10-regression", "mode": "published"}, "leave 'mode' out"),
        ({"name": "cifar10-reflow", "mode": "published"}, "leave 'mode' out"),
        ({"name": "cifar10-mean-flow", "mode": "published"}, "leave 'mode' out"),
        ({"name": "cifar10-mean-flow", "distance": "l2"}, "leave 'distance' out"),
        (
            {"name": "checkerboard", "mode": "published", "terms": "pred"},
            "doesn't have 'pred' for points",
        ),
    ],
)
def test_what_a_preset_would_pass_over_is_refused(choice: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        with_preset({"name": "x", "preset": choice})


def test_what_is_said_besides_stands_on_top_of_a_preset() -> None:
    said = {"preset": "get-s", "model": {"network": {"depth": 2}}, "training": {"num_steps": 7}}
    made = with_preset(said)
    model = configure("kdm.students", made["model"])
    assert isinstance(model, Get)
    assert (model.network.depth, model.network.width) == (2, 512)
    assert (made["training"]["num_steps"], made["training"]["learning_rate"]) == (7, 1e-4)


def test_an_unknown_preset_or_mode_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="there is no preset 'cifar'; there are cifar10, "):
        with_preset({"preset": "cifar"})
    with pytest.raises(ValueError, match="'default' or 'published'"):
        with_preset({"preset": {"name": "cifar10", "mode": "paper"}})
