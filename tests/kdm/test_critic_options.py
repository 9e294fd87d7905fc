"""What a critic sees and how it learns: labels, changed pictures, schedules, a share of the batch."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.losses.adversarial import NonSaturating, Relativistic
from kdm.losses.course import Ramp, at
from kdm.losses.critic_augmentation import CriticAugmentation
from kdm.losses.discriminator import Discriminator
from kdm.objective import Losses, Objective, Pace, Player
from kdm.randomness.draws import drawing_from, draws
from kdm.randomness.sample_draws import SampleDraws
from kdm.students.adversarial_steps import Duel, Own
from kdm.students.get import Get
from kdm.students.regression import Regression
from kdm.students.trace import Trace
from kdm.training.options import TrainingOptions
from kdm.training.ranks import ALONE
from kdm.training.steps import Steps
from storage.options import parse
from storage.plugins import describe
from storage.records import LabelRule, PairSchema

LABELLED = PairSchema(shape=(1, 8, 8), label=LabelRule(num_classes=3))
NETWORK = {"kind": "song-unet", "model_channels": 4, "channel_mult": [1], "num_blocks": 1}


def test_a_ramp_is_a_cosine_that_stays_at_its_end() -> None:
    ramp = Ramp(begin=0.05, end=0.005, over=0.5)
    found = [at(ramp, share) for share in (0.0, 0.25, 0.5, 1.0)]
    assert found == pytest.approx([0.05, 0.0275, 0.005, 0.005])
    assert at(0.3, 0.7) == 0.3


def test_a_class_adds_the_product_of_its_embedding_with_a_patchs_mean() -> None:
    critic = Discriminator((1, 16, 16), width=4, num_halvings=1, has_norm=False, num_classes=3)
    x, y = torch.randn(2, 1, 16, 16), torch.eye(3)[[0, 2]]
    without = critic(x)
    assert torch.equal(critic(x, y), without)  # the embedding starts at 0
    assert critic.of_class is not None
    with torch.no_grad():
        critic.of_class.weight.copy_(torch.arange(12.0).reshape(4, 3))
    features = critic.model[:-1](x)
    first_patch = features[:, :, :4, :4].mean((2, 3))  # (2, 4)
    added = (first_patch * torch.tensor([[0.0, 3, 6, 9], [2, 5, 8, 11]])).sum(1)
    assert torch.allclose(critic(x, y)[:, 0], without[:, 0] + added, atol=1e-6)
    assert critic(x, y).shape == without.shape == (2, 25)


def test_both_pictures_of_a_pair_are_changed_alike() -> None:
    x = torch.randn(64, 3, 8, 8)
    torch.manual_seed(0)
    change = CriticAugmentation(probability=0.8).drawn(x, 0.0)
    assert torch.equal(change(x), change(x.clone()))
    same = (change(x) == x).flatten(1).all(1)
    assert 0 < same.sum() < 8  # of 64 × .2³ expected: .5, and shifts by 0
    assert torch.equal(CriticAugmentation().drawn(x, 0.0)(x), x)  # at first with probability 0


def test_mirror_images_and_shifts_are_whole_pixels() -> None:
    x = torch.randn(200, 1, 8, 8)
    torch.manual_seed(1)
    turned = CriticAugmentation(probability=0.8, shift=0, colours=False).drawn(x, 0.0)(x)
    is_turned = (turned == x.flip(3)).flatten(1).all(1)
    assert ((turned == x).flatten(1).all(1) | is_turned).all()
    assert 50 < is_turned.sum() < 110  # 80 ± 4 standard deviations
    moved = CriticAugmentation(probability=0.8, mirrors=False, colours=False).drawn(x, 0.0)(x)
    padded, found = nn.functional.pad(x, (1, 1, 1, 1)), torch.zeros(200, dtype=torch.int64)
    for down in range(3):
        for right in range(3):
            found += (moved == padded[:, :, down : down + 8, right : right + 8]).flatten(1).all(1)
    assert (found == 1).all()


def test_a_picture_without_the_mirrors_is_never_mirrored() -> None:
    x = torch.randn(200, 1, 8, 8)
    made = CriticAugmentation(probability=0.8, mirrors=False, shift=0, colours=False).drawn(x, 0.0)
    assert torch.equal(made(x), x)


def test_penalties_and_students_see_through_the_changes() -> None:
    x = torch.randn(6, 1, 8, 8, requires_grad=True)
    change = CriticAugmentation(probability=0.8).drawn(x, 0.0)
    (gradient,) = torch.autograd.grad(change(x).square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), x)
    assert torch.isfinite(second).all()
    assert second.abs().sum() > 0


@pytest.mark.parametrize("probability", [0.9, {"begin": 0.0, "end": 0.9}])
def test_changes_that_would_leak_into_samples_are_refused(probability: Any) -> None:
    with pytest.raises(ValueError, match=r"0\.9; it must be within 0 and 0\.8"):
        parse(CriticAugmentation, {"probability": probability}, "augment")


def test_gamma_falls_with_the_game() -> None:
    critic, x = nn.Linear(4, 1), torch.randn(2, 1, 2, 2)
    see = lambda x: critic(x.flatten(1))  # noqa: E731
    falling = Relativistic(gamma=Ramp(begin=0.05, end=0.005))
    for done, gamma in ((0.0, 0.05), (0.5, 0.0275), (1.0, 0.005)):
        found = falling.critic_terms(see, x, x, done=done)["r1"]
        assert torch.allclose(found, Relativistic(gamma=gamma).critic_terms(see, x, x)["r1"])
    assert Relativistic(starts_at=0.2).played(0.6) == pytest.approx(0.5)
    assert Relativistic(starts_at=0.2).played(0.1) == 0


def test_the_critics_pace_is_its_own() -> None:
    game = NonSaturating(rate=Ramp(begin=2, end=1), beta_2=Ramp(begin=0.9, end=0.99), starts_at=0.5)
    assert game.pace(0.5) == Pace(2.0, pytest.approx(0.9))
    assert game.pace(1.0) == Pace(1.0, pytest.approx(0.99))
    assert NonSaturating().pace(0.3) == Pace(1.0, None)
    with pytest.raises(ValueError, match="must stay below 1"):
        NonSaturating(beta_2=Ramp(begin=0.9, end=1.0))


def test_a_players_pace_reaches_its_optimiser() -> None:
    """Adam's first step has the length of the rate; v̂ of a constant gradient doesn't depend on β₂, v does."""
    plain, paced = (nn.Linear(2, 1, bias=False) for _ in range(2))
    objective = Objective(
        plain,
        (
            Player("plain", plain, lambda _: Losses(plain.weight.sum(), {})),
            Player(
                "paced", paced, lambda _: Losses(paced.weight.sum(), {}), lambda _: Pace(3, 0.5)
            ),
        ),
    )
    options = TrainingOptions(num_steps=4, batch_size=2, betas=(0.9, 0.75))
    steps = Steps(objective, options, ALONE, report=lambda _: None)
    before = plain.weight.detach().clone(), paced.weight.detach().clone()
    steps.make(0, Batch(torch.arange(2), torch.zeros(2, 2)), 0.01)
    assert torch.allclose(plain.weight, before[0] - 0.01, atol=1e-6)
    assert torch.allclose(paced.weight, before[1] - 0.03, atol=1e-6)
    tensors = steps.tensors()
    assert torch.allclose(tensors["optimisers/plain/weight/exp_avg_sq"], torch.tensor(0.25))
    assert torch.allclose(tensors["optimisers/paced/weight/exp_avg_sq"], torch.tensor(0.5))


class Counting(nn.Module):
    """A critic that keeps how many pictures it saw, and their labels."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.seen: list[tuple[int, Any]] = []
        self.pictures: list[Tensor] = []

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        self.pictures.append(x.detach())
        self.seen.append((len(x), None if labels is None else labels.argmax(1).tolist()))
        return self.scale * x.flatten(1).sum(1, keepdim=True)


def test_the_game_is_played_on_a_share_of_the_batch_and_with_its_classes() -> None:
    own = Own(lambda batch: Trace(batch.x_0, x_pred=batch.x_0 * 2), lambda _: {}, {})
    game, critic = NonSaturating(share=0.25, sees_labels=True), Counting()
    duel = Duel(game, critic, own, num_classes=3)
    label = torch.tensor([2, 0, 1, 1, 2, 0, 1, 1])
    batch = Batch(torch.arange(8), torch.randn(8, 1, 8, 8), label=label)
    duel.critic_losses(batch)
    duel.student_losses(batch)
    assert critic.seen == [(2, [2, 0])] * 3  # real, fake, and the student's fake


def test_what_a_critic_sees_of_a_sample_is_the_same_in_any_micro_batches() -> None:
    def trace(batch: Batch) -> Trace:  # one that asks for random numbers before the change does
        return Trace(batch.x_0, x_pred=batch.x_0 + draws().normal_like(batch.x_0))

    def seen(parts: list[Tensor]) -> dict[str, Tensor]:
        critic, found = Counting(), {}
        duel = Duel(game, critic, Own(trace, lambda _: {}, {}), num_classes=0)
        batches = [Batch(place, x[place], num_parts=len(parts)) for place in parts]
        for player, losses in (("critic", duel.critic_losses), ("student", duel.student_losses)):
            for batch in batches:
                source = SampleDraws(7).turn_to(3, batch.index)
                with drawing_from(source):
                    losses(batch)
                found[player, len(found)] = critic.pictures[-1]
        return {
            player: torch.cat([pictures for (name, _), pictures in found.items() if name == player])
            for player in ("critic", "student")
        }

    game = NonSaturating(augment=CriticAugmentation(probability=0.8))
    x, place = torch.randn(8, 1, 8, 8), torch.arange(8)
    whole, halves = seen([place]), seen([place[::2], place[1::2]])
    for player in whole:
        assert torch.equal(whole[player][torch.cat([place[::2], place[1::2]])], halves[player])
    assert torch.equal(whole["critic"], whole["student"])  # both judge the same pictures


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"rate": 0}, r"rate: Input should be greater than 0 \(got 0\)"),
        ({"rate": {"begin": 1}}, "rate.end: Field required"),
        ({"beta_2": {"begin": "x", "end": 0}}, r"beta_2.begin: .*valid number \(got 'x'\)"),
        ({"gamma": -1}, r"gamma: Input should be greater than or equal to 0 \(got -1\)"),
        ({"augment": {"probability": []}}, r"augment.probability: .*valid number \(got \[\]\)"),
    ],
)
def test_a_wrong_number_or_course_is_told_once(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=f"^game: {fault}$"):
        parse(Relativistic, options, "game")


@pytest.mark.parametrize("student", ["regression", "get"])
def test_students_without_an_operator_play_too(student: str) -> None:
    game = Relativistic(num_halvings=1, width=4, sees_labels=True, augment=CriticAugmentation())
    if student == "regression":
        plugin: Any = parse(Regression, {"network": NETWORK, "adversary": game}, "model")
    else:
        small = {"width": 8, "depth": 1, "num_heads": 2}
        plugin = parse(Get, {"network": small, "adversary": game, "num_applications": 2}, "model")
    built = plugin.build(LABELLED)
    critic, trained = built.objective().players
    x = torch.randn(2, 4, 1, 8, 8)
    batch = Batch(torch.arange(4), x[0], x[1], torch.tensor([0, 1, 2, 0]), share_done=0.5)
    terms = critic.loss(batch).terms | trained.loss(batch).terms
    assert terms.keys() >= {"relativistic", "r1", "r2", "adv"}
    assert all(torch.isfinite(each) for each in terms.values())
    own = built.measure(batch)
    assert "adv" not in own.terms
    assert built.objective().model is built


def test_a_critic_that_should_see_classes_needs_a_student_that_does() -> None:
    game = NonSaturating(num_halvings=1, sees_labels=True)
    plugin = parse(Regression, {"network": NETWORK, "adversary": game}, "model")
    with pytest.raises(ValueError, match="doesn't distinguish classes; set it to false"):
        plugin.build(PairSchema(shape=(1, 8, 8))).objective()


def test_points_and_small_pictures_are_refused_before_anything_is_built() -> None:
    plugin = parse(Regression, {"adversary": NonSaturating(num_halvings=1)}, "model")
    with pytest.raises(ValueError, match="a critic looks at pictures"):
        plugin.require_shape((2,))


def test_students_and_games_without_them_keep_their_names() -> None:
    assert set(NonSaturating().model_dump()) == {"kind", "weight", "width", "num_halvings"}
    assert set(Relativistic().model_dump()) == {"kind", "weight", "width", "num_halvings", "gamma"}
    assert "adversary" not in describe(Regression())
    assert "adversary" not in describe(Get())
