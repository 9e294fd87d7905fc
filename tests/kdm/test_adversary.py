"""The critic, and what it and a student play (Eq. 8)."""

import math

import pytest
import torch
import torch.nn.functional as F
from published_step import discriminator
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.coders.unet_coders import UNetCoders
from kdm.losses.adversarial import NonSaturating, Relativistic
from kdm.losses.discriminator import Discriminator
from kdm.students.koopman import Koopman
from storage.plugins import describe
from storage.records import PairSchema

NETWORKS = UNetCoders(model_channels=8, channel_mult=(1,), num_blocks=1)
REAL, FAKE = torch.rand(2, 6, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_the_published_critic_has_663745_parameters_and_a_logit_a_patch() -> None:
    critic = Discriminator((3, 32, 32))
    assert sum(each.numel() for each in critic.parameters()) == 663_745
    assert critic(REAL).shape == (6, 1)
    assert Discriminator((3, 64, 64))(torch.zeros(2, 3, 64, 64)).shape == (2, 25)


def test_the_published_critic_takes_the_statistics_of_its_batch_also_in_evaluation() -> None:
    critic, plain = Discriminator((3, 32, 32)).eval(), discriminator()
    plain.load_state_dict(critic.model.state_dict())
    assert torch.equal(critic(REAL), plain(REAL))


@pytest.mark.parametrize(
    ("shape", "num_halvings", "remedy"),
    [((1, 8, 8), 3, "at most 1"), ((3, 7, 7), 1, "to null"), ((2,), 1, "to null")],
)
def test_a_picture_too_small_for_a_critic_is_refused_with_what_would_be_right(
    shape: tuple[int, ...], num_halvings: int, remedy: str
) -> None:
    with pytest.raises(ValueError, match=remedy):
        Discriminator(shape, num_halvings=num_halvings)


def test_the_published_game_is_cross_entropy() -> None:
    critic, one, zero = Discriminator((3, 32, 32)), torch.ones(6, 1), torch.zeros(6, 1)
    terms = NonSaturating().critic_terms(critic, REAL, FAKE)
    entropy = F.binary_cross_entropy_with_logits
    assert torch.allclose(terms["real"], entropy(critic(REAL), one))
    assert torch.allclose(terms["fake"], entropy(critic(FAKE), zero))
    student = NonSaturating().student_term(critic, REAL, FAKE)
    assert torch.allclose(student, entropy(critic(FAKE), one))


class Plane(nn.Module):
    """D(x) = slope · Σ x, whose squared gradient is slope² times the number of values."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return self.slope * x.flatten(1).sum(1, keepdim=True)


def test_the_relativistic_game_compares_pairs_and_penalises_both_gradients() -> None:
    plane, game = Plane(), Relativistic(gamma=0.5)
    terms = game.critic_terms(plane, REAL, FAKE)
    assert torch.allclose(terms["relativistic"], F.softplus(plane(FAKE) - plane(REAL)).mean())
    assert math.isclose(terms["r1"].item(), 0.25 * 0.01 * 3 * 32 * 32, rel_tol=1e-5)
    assert torch.allclose(terms["r1"], terms["r2"])
    student = game.student_term(plane, REAL, FAKE)
    assert torch.allclose(student, F.softplus(plane(REAL) - plane(FAKE)).mean())


def test_the_gradient_penalty_moves_the_critic() -> None:
    plane = Plane()
    Relativistic().critic_terms(plane, REAL, FAKE)["r1"].backward()
    assert plane.slope.grad is not None
    assert plane.slope.grad > 0


def test_the_relativistic_critic_judges_every_sample_by_itself() -> None:
    critic = Relativistic().critic((3, 32, 32))
    assert torch.allclose(critic(REAL)[:2], critic(REAL[:2]), atol=1e-6)


@pytest.mark.parametrize("game", [NonSaturating(), Relativistic()])
def test_the_students_term_leaves_the_critic_without_a_gradient(
    game: NonSaturating | Relativistic,
) -> None:
    critic, fake = game.critic((3, 32, 32)), FAKE.clone().requires_grad_()
    game.student_term(critic, REAL, fake).backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
    assert all(each.grad is None for each in critic.parameters())


def test_critic_and_student_see_the_same_samples_of_a_batch_from_one_pass() -> None:
    student = Koopman(networks=NETWORKS, adversary=NonSaturating()).build(
        PairSchema(shape=(3, 32, 32))
    )
    critic, trained = student.objective().players
    batch, passes = Batch(torch.arange(6), x_0=REAL, x_T=FAKE), list[int]()
    student.encoder_T.register_forward_hook(lambda *_: passes.append(1))
    critic.loss(batch)
    losses = trained.loss(batch)
    assert len(passes) == 1
    assert losses.terms.keys() == {"rec", "lat", "pred", "adv"}
    weighed = {"rec": 0.1, "lat": 0.1, "pred": 1, "adv": 0.01}
    total = sum(weight * losses.terms[name] for name, weight in weighed.items())
    assert torch.allclose(losses.total, torch.as_tensor(total))
    trained.loss(batch)
    assert len(passes) == 2


def test_a_game_that_begins_later_leaves_the_student_alone_until_then() -> None:
    student = Koopman(networks=NETWORKS, adversary=NonSaturating(starts_at=0.2)).build(
        PairSchema(shape=(3, 32, 32))
    )
    objective, batch = student.objective(), Batch(torch.arange(6), x_0=REAL, x_T=FAKE)
    (alone,) = objective.playing(0.199)
    assert alone.loss(batch).terms.keys() == {"rec", "lat", "pred"}
    assert [each.name for each in objective.playing(0.2)] == ["critic", "student"]


def test_a_game_that_begins_at_once_is_named_as_before_it_could_begin_later() -> None:
    described = describe(Koopman(networks=NETWORKS, adversary=NonSaturating()))
    assert "starts_at" not in described["adversary"]
    late = describe(Koopman(networks=NETWORKS, adversary=NonSaturating(starts_at=0.2)))
    assert late["adversary"]["starts_at"] == 0.2
