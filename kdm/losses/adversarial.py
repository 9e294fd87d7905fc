"""What a critic D_γ and a student play against each other (Eq. 8, Algorithm 1, lines 13 and 14).

    student:  L = L_Koopman + λ_adv L_adv (Eq. 9), λ_adv = 0.01          critic:  L_adv^D, weight 1

Eq. 8 is the min-max game of Goodfellow et al. 2014; Algorithm 1 and the published code play its
non-saturating form, in which the student lowers −log D_γ(x_0^) and so has a gradient even while the
critic is sure of itself. `real` are the teacher's samples x_0 (n, c, h, w), not real data; `fake` are the
student's x_0^ from the same noise, row by row. A critic gives logits (n, patches), one a patch.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from kdm.losses.course import AsCourse, AsNumber, EitherKind, at, ends
from kdm.losses.critic_augmentation import CriticAugmentation
from kdm.losses.critic_room import require_room
from kdm.networks.image_shapes import Images
from kdm.objective import Pace
from kdm.shapes import Logits, Scalar
from kdm.torch_types import Module
from storage.options import LastingOptions

Critic = Callable[[Images], Logits]
View = Callable[[Critic], Critic]  # a critic of pictures from one that also sees labels


class Game(LastingOptions, ABC):
    """A game: the critic's size, when it begins, λ_adv, and what either side lowers.

    Both losses are means over samples and patches. The critic steps first, with its own optimiser,
    and the student's term sees the critic as it is after that step, as in the published code.
    """

    added_later: ClassVar[Mapping[str, Any]] = {
        "starts_at": 0.0,
        "sees_labels": False,
        "augment": None,
        "share": 1.0,
        "rate": 1.0,
        "beta_2": None,
    }
    has_norm: ClassVar[bool]  # of the critic

    weight: float = Field(0.01, gt=0)  # of the student's term; the critic's losses have 1 (Table 7)
    width: int = Field(64, ge=1)  # channels after the critic's first convolution
    num_halvings: int = Field(3, ge=1)  # 3 for 32×32 and more, 1 for 8×8
    # The share of training after which the game begins; before that critic and term are absent.
    starts_at: float = Field(0.0, ge=0, lt=1)
    sees_labels: bool = False  # the critic knows the class; the student must distinguish classes
    augment: CriticAugmentation | None = None  # of what the critic sees
    share: float = Field(
        1.0, gt=0, le=1
    )  # of each batch, its first rows: the game is played on these
    # Of the critic's optimiser: its rate over the student's, and its β₂ in place of the training's.
    rate: Annotated[Annotated[float, Field(gt=0), AsNumber] | AsCourse, EitherKind] = 1.0
    # Null: the training's.
    beta_2: (
        Annotated[Annotated[float, Field(ge=0, lt=1), AsNumber] | AsCourse, EitherKind] | None
    ) = None

    @model_validator(mode="after")
    def _check_beta(self) -> "Game":
        if self.beta_2 is not None and ends(self.beta_2)[1] >= 1:
            raise ValueError(
                f"adversary.beta_2 reaches {ends(self.beta_2)[1]}; it must stay below 1"
            )
        return self

    @abstractmethod
    def critic_terms(
        self, critic: Critic, real: Images, fake: Images, *, done: float = 0.0
    ) -> dict[str, Scalar]:
        """What the critic lowers, by name; the sum is its loss L_adv^D.

        `fake` must be detached: a critic's step leaves the student without a gradient. `done` is the
        share of the game that has been played.
        """

    @abstractmethod
    def _student_term(self, critic: Critic, real: Images, fake: Images) -> Scalar: ...

    def student_term(
        self, critic: Module, real: Images, fake: Images, *, view: View = lambda critic: critic
    ) -> Scalar:
        """What the student lowers, unweighted: L_adv^G of Algorithm 1, line 13.

        The critic's parameters get no gradient, which the published code computes and throws away.
        """
        return self._student_term(view(_frozen(critic)), real, fake)

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that aren't pictures, or too small for `num_halvings`."""
        require_room(shape, self.num_halvings)

    def critic(self, shape: tuple[int, ...], num_classes: int = 0) -> Module:
        """An untrained critic of samples (c, h, w), its weights from torch's global generator.

        Raises a ValueError as `require_shape` does, and if it should see labels and there are no classes.
        """
        from kdm.losses.discriminator import Discriminator  # torch: imported only to play

        if self.sees_labels and not num_classes:
            raise ValueError(
                "adversary.sees_labels is true, but this student doesn't distinguish classes; set it to false"
            )
        return Discriminator(
            shape,
            width=self.width,
            num_halvings=self.num_halvings,
            has_norm=self.has_norm,
            num_classes=num_classes if self.sees_labels else 0,
        )

    def played(self, share_done: float) -> float:
        """The share of the game that has been played once `share_done` of training is done."""
        return max(0.0, share_done - self.starts_at) / (1 - self.starts_at)

    def pace(self, share_done: float) -> Pace:
        """The critic's pace once `share_done` of training is done."""
        done = self.played(share_done)
        return Pace(at(self.rate, done), None if self.beta_2 is None else at(self.beta_2, done))


class NonSaturating(Game):
    """Cross-entropy, as published: CE(1, D(x_0)) + CE(0, D(x_0^)) against CE(1, D(x_0^)).

    The critic's loss is `real` + `fake` (Algorithm 1, line 14).
    """

    has_norm: ClassVar[bool] = True

    kind: Literal["non-saturating"] = "non-saturating"

    def critic_terms(
        self, critic: Critic, real: Images, fake: Images, *, done: float = 0.0
    ) -> dict[str, Scalar]:
        """`real` and `fake`; each passes as a separate batch, for batch normalisation."""
        # CE(1, D) = softplus(−D) and CE(0, D) = softplus(D).
        return {"real": _softplus(-critic(real)).mean(), "fake": _softplus(critic(fake)).mean()}

    def _student_term(self, critic: Critic, real: Images, fake: Images) -> Scalar:
        return _softplus(-critic(fake)).mean()


class Relativistic(Game):
    """R3GAN's game: which of a pair is real, with R1 and R2 (Huang et al. 2024, Sec. 2).

    critic:  E softplus(D(x_0^) − D(x_0)) + γ/2 E ‖∇D(x_0)‖² + γ/2 E ‖∇D(x_0^)‖²
    student: E softplus(D(x_0) − D(x_0^))

    A pair is x_0 and x_0^ of the same noise. The zero-centred penalties R1 (Mescheder et al. 2018)
    and R2 give the relativistic loss local convergence. The critic works without batch
    normalisation: a penalty on the gradient of one sample's logit must not depend on the others.
    """

    has_norm: ClassVar[bool] = False

    kind: Literal["relativistic"] = "relativistic"
    # Of R1 and R2; on CIFAR-10 R3GAN's goes from .05 to .005.
    gamma: Annotated[Annotated[float, Field(ge=0), AsNumber] | AsCourse, EitherKind] = 0.05

    def critic_terms(
        self, critic: Critic, real: Images, fake: Images, *, done: float = 0.0
    ) -> dict[str, Scalar]:
        """`relativistic`, and if γ isn't 0 the penalties `r1` at x_0 and `r2` at x_0^."""
        real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        on_real, on_fake = critic(real), critic(fake)
        terms = {"relativistic": _softplus(on_fake - on_real).mean()}
        gamma = at(self.gamma, done)
        if gamma:
            terms["r1"] = gamma / 2 * _square_gradient(on_real, real)
            terms["r2"] = gamma / 2 * _square_gradient(on_fake, fake)
        return terms

    def _student_term(self, critic: Critic, real: Images, fake: Images) -> Scalar:
        return _softplus(critic(real) - critic(fake)).mean()


Adversary = Annotated[NonSaturating | Relativistic, Field(discriminator="kind")]


def _softplus(x: Logits) -> Logits:
    import torch.nn.functional as F  # imported late: recipes name games, and need no torch

    return F.softplus(x)


def _frozen(critic: Module) -> Critic:
    """The critic with detached parameters: a gradient flows through it to its input, and no further."""
    from torch.func import functional_call

    parameters = {name: each.detach() for name, each in critic.named_parameters()}
    return lambda *seen: functional_call(critic, parameters, seen)


def _square_gradient(logits: Logits, x: Images) -> Scalar:
    """E ‖∇_x D(x)‖² of logits (n, patches) at x (n, c, h, w), D the mean over patches; differentiable."""
    import torch

    (gradient,) = torch.autograd.grad(logits.mean(1).sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
