"""Laws of every registered student, as it is by default and as it is for pictures."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import Module

from kdm.batch import Batch
from kdm.objective import Player
from kdm.students.plugin import GROUP, StudentPlugin
from kdm.students.student import Student
from kdm.training.adam import Adam
from kdm.training.options import TrainingOptions
from storage.plugins import configure, describe, plugin_names
from storage.records import LabelRule, NoiseRule, PairSchema

POINTS = PairSchema(shape=(2,))
PICTURES = PairSchema(
    shape=(1, 8, 8), noise=NoiseRule(scale=80), label=LabelRule(num_classes=10), value_range=(-1, 1)
)
WITH_STATES = PICTURES.model_copy(update={"num_states": 3})
LEVELS = [[1, 80], [1, 20], [1, 3], [1, 0.3]]
UNETS = {"kind": "song-unet", "model_channels": 8, "channel_mult": [1, 2], "num_blocks": 1}

TEACHER = {
    "network": {
        "precond": "EDMPrecond",
        "init_kwargs": {
            "model_type": "SongUNet",
            "img_resolution": 8,
            "img_channels": 1,
            "label_dim": 10,
            "model_channels": 8,
            "channel_mult": [1, 2],
            "num_blocks": 1,
        },
        "weights": "0" * 64,
    }
}


class Case(NamedTuple):
    choice: dict[str, Any]
    schema: PairSchema


SMALL_GET = {"plugin": "get", "network": {"width": 16, "depth": 1, "num_heads": 2}}
FOR_PICTURES_ONLY = {"get": Case(SMALL_GET, PICTURES)}
CASES = {name: Case({"plugin": name}, POINTS) for name in plugin_names(GROUP)} | FOR_PICTURES_ONLY
CASES |= {
    "kdm-t": Case(
        {"plugin": "kdm-t", "levels": [[0, 1], [0.4, 0.6]]},
        POINTS.model_copy(update={"num_states": 1}),
    ),
    "kdm-t-pictures": Case(
        {"plugin": "kdm-t", "networks": UNETS, "levels": LEVELS, "num_steps": 4}, WITH_STATES
    ),
    "kdm-t-one-picture": Case(
        {
            "plugin": "kdm-t",
            "networks": {**UNETS, "latents": "one-picture", "latent_channels": 2},
            "losses": {"lat": 0.1, "rec": 0.1, "num_states": 2, "later_share": 0.7},
            "levels": LEVELS,
            "warm_up_share": 0.3,
            "adversary": {"kind": "non-saturating", "num_halvings": 1, "width": 8},
        },
        WITH_STATES,
    ),
    "kdm-pictures": Case({"plugin": "kdm", "networks": UNETS}, PICTURES),
    "kdm-pictures-critic": Case(
        {
            "plugin": "kdm",
            "networks": {**UNETS, "latent_dim": 12, "scales_noise": False},
            "adversary": {"kind": "non-saturating", "num_halvings": 1, "width": 8},
            "penalties": {},
        },
        PICTURES,
    ),
    "kdm-f-pictures-relativistic": Case(
        {
            "plugin": "kdm-f",
            "networks": {**UNETS, "labels": "networks", "latent_channels": 2},
            "adversary": {"kind": "relativistic", "num_halvings": 1, "width": 8},
        },
        PICTURES,
    ),
    "get-from-zeros": Case({**SMALL_GET, "start": "zeros", "sees_labels": False}, PICTURES),
    "regression-pictures-critic": Case(
        {
            "plugin": "regression",
            "network": UNETS,
            "adversary": {
                "kind": "relativistic",
                "num_halvings": 1,
                "width": 8,
                "sees_labels": True,
                "augment": {"probability": 0.3},
                "gamma": {"begin": 0.05, "end": 0.005},
                "beta_2": {"begin": 0.9, "end": 0.99},
                "rate": 0.5,
                "share": 0.5,
            },
        },
        PICTURES,
    ),
    "get-critic": Case(
        {**SMALL_GET, "adversary": {"kind": "non-saturating", "num_halvings": 1, "width": 8}},
        PICTURES,
    ),
    "regression-pictures": Case({"plugin": "regression", "network": UNETS}, PICTURES),
    "kdm-from-teacher": Case(
        {"plugin": "kdm", "init": {**TEACHER, "latent_channels": 3}}, PICTURES
    ),
    "kdm-f-from-teacher": Case({"plugin": "kdm-f", "init": TEACHER}, PICTURES),
    "kdm-t-from-teacher": Case(
        {"plugin": "kdm-t", "init": TEACHER, "levels": LEVELS, "num_steps": 4}, WITH_STATES
    ),
    "kdm-t-with-steps": Case(
        {"plugin": "kdm-t", "init": TEACHER, "levels": LEVELS, "steps": {"count": 2}}, WITH_STATES
    ),
    "regression-from-teacher": Case({"plugin": "regression", "init": TEACHER}, PICTURES),
    "reflow-from-teacher": Case({"plugin": "reflow", "init": TEACHER, "num_steps": 2}, PICTURES),
    "mean-flow-from-teacher": Case({"plugin": "mean-flow", "init": TEACHER}, PICTURES),
    "reflow-pictures": Case({"plugin": "reflow", "network": UNETS, "num_steps": 2}, PICTURES),
    "reflow-perceptual": Case(
        {
            "plugin": "reflow",
            "network": UNETS,
            "perceptual": {"plugin": "random-features", "num_layers": 2},
        },
        PICTURES,
    ),
    "mean-flow-pictures": Case({"plugin": "mean-flow", "network": UNETS, "num_steps": 2}, PICTURES),
}
every_student = pytest.mark.parametrize("name", CASES)


def build(name: str, seed: int = 0) -> Student:
    torch.manual_seed(seed)
    plugin = configure(GROUP, CASES[name].choice)
    assert isinstance(plugin, StudentPlugin)
    student = plugin.build(CASES[name].schema)
    if "get" in name:
        _nudge(student)
    return student


def _nudge(student: Student) -> None:
    """The readout of GET begins at 0, as published: nothing would depend on anything."""
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter), alpha=float(parameter.requires_grad))


def noise(name: str, num_samples: int = 40) -> Tensor:
    schema, generator = CASES[name].schema, torch.Generator().manual_seed(1)
    unit = torch.randn(num_samples, *schema.shape, generator=generator)
    return schema.noise.scale * unit


def labels(num_samples: int = 40) -> Tensor:
    return torch.arange(num_samples) % 10


def pairs(name: str) -> Batch:
    schema = CASES[name].schema
    num_samples = 40 if schema.shape == POINTS.shape else 6
    x_T = noise(name, num_samples)
    x_0 = torch.tanh(2 * x_T / schema.noise.scale)
    states = None
    if schema.num_states:
        shares = torch.linspace(1, 0, schema.num_states + 2)[1:-1]
        states = torch.stack([x_0 + share**3 * x_T for share in shares], 1)
    return Batch(
        torch.arange(num_samples), x_0=x_0, x_T=x_T, label=labels(num_samples), states=states
    )


def own_player(student: Student) -> Player:
    objective = student.objective()
    found = [each for each in objective.players if each.module is objective.model is student]
    assert [each.name for each in found] == ["student"], (
        "exactly one player must have the student itself as its module and as the objective's model, "
        f"and be named 'student'; the players are {[each.name for each in objective.players]}: "
        "write Objective(self, (…, Player('student', self, loss)))"
    )
    return found[0]


def own_parameters(player: Player, taken: tuple[Module, ...]) -> set[Tensor]:
    others = {each for module in taken for each in module.parameters()}
    return set(player.module.parameters()) - others


@every_student
def test_it_builds_from_its_defaults_and_from_its_own_description(name: str) -> None:
    plugin = configure(GROUP, CASES[name].choice)
    assert configure(GROUP, describe(plugin)) == plugin
    assert build(name).nfe == CASES[name].choice.get("num_steps", 1)


@every_student
def test_samples_have_the_shape_of_the_schema_and_are_finite(name: str) -> None:
    x_0 = build(name).generate(noise(name), labels())
    assert x_0.shape == (40, *CASES[name].schema.shape)
    assert x_0.isfinite().all()
    assert not x_0.requires_grad


@every_student
def test_a_sample_depends_on_its_noise_and_on_nothing_else(name: str) -> None:
    student = build(name)
    whole = student.generate(noise(name), labels(), seed=1)
    given = zip(noise(name).split([1, 3, 36]), labels().split([1, 3, 36]), strict=True)
    parts = [student.generate(*part, seed=2) for part in given]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-6)
    assert torch.equal(whole, student.generate(noise(name), labels(), seed=1))


@every_student
def test_steps_along_the_gradient_lower_the_loss(name: str) -> None:
    player = own_player(build(name))
    adam, totals = Adam(player.module, TrainingOptions()), []
    for _ in range(8):
        torch.manual_seed(0)
        adam.zero_grad()
        losses = player.loss(pairs(name))
        losses.total.backward()
        adam.step(1e-3)
        totals.append(losses.total.item())
    assert totals[-1] < totals[0]


@every_student
def test_each_player_moves_its_own_parameters_and_no_others(name: str) -> None:
    objective = build(name).objective()
    players = objective.players
    own = {each.name: own_parameters(each, objective.taken_from(each)) for each in players}
    for player in players:
        for other in players:
            other.module.zero_grad()
        player.loss(pairs(name)).total.backward()
        for other in players:
            has_gradient = any(each.grad is not None for each in own[other.name])
            assert has_gradient == (other is player), (
                f"the loss of '{player.name}' must give its own module a gradient and no other's: "
                f"'{other.name}' {'got one' if has_gradient else 'got none'}; make other players' "
                "networks in objective(), outside the student, and detach what they give each other"
            )


@every_student
def test_samples_with_gradients_are_those_that_it_generates_or_it_refuses(name: str) -> None:
    student, batch = build(name).eval(), pairs(name)
    if type(student).drawn is Student.drawn:
        with pytest.raises(ValueError, match="leave finish out"):
            student.drawn(batch)
        return
    drawn = student.drawn(batch)
    drawn.square().sum().backward()
    assert any(each.grad is not None for each in student.parameters())
    generated = student.generate(batch.noise(), batch.label)
    assert torch.allclose(drawn, generated, atol=1e-5 * float(generated.abs().max()))


@every_student
def test_weights_alone_make_the_student(name: str) -> None:
    student, other = build(name), build(name, seed=1)
    given = noise(name), labels()
    assert not torch.equal(student.generate(*given), other.generate(*given))
    other.load_state_dict(student.state_dict())
    assert torch.equal(student.generate(*given), other.generate(*given))


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


@every_student
def test_losses_by_component_are_those_that_train_it_but_for_a_critics(name: str) -> None:
    student, batch = build(name), pairs(name)
    player = own_player(student)
    torch.manual_seed(0)
    trained = player.loss(batch).terms
    torch.manual_seed(0)
    measured = student.measure(batch).terms
    assert measured
    assert measured == {term: value for term, value in trained.items() if term != "adv"}, (
        "`measure` must return the terms of the loss of player 'student', with the same names and "
        "values, except 'adv'; name a critic's part 'adv', and leave it out of `measure`"
    )
