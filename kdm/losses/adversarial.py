"""What a critic and a student play against each other (Eq. 8, Algorithm 1, lines 13 and 14).

`real` are the teacher's samples x_0, `fake` the student's x_0^ from the same noise, row by row.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from kdm.networks.image_shapes import Images
from kdm.shapes import Logits, Scalar
from kdm.torch_types import Module
from storage.options import LastingOptions

Critic = Callable[[Images], Logits]


class Game(LastingOptions, ABC):
    """The critic's size and start, the weight of the student's term, and the losses of both."""

    added_later: ClassVar[Mapping[str, Any]] = {"starts_at": 0.0}
    has_norm: ClassVar[bool]  # of the critic

    weight: float = Field(0.01, gt=0)  # of the student's term; the critic's losses have 1 (Table 7)
    width: int = Field(64, ge=1)  # channels after the critic's first convolution
    num_halvings: int = Field(3, ge=1)  # 3 for 32×32 and more, 1 for 8×8
    # The share of the training that is done when the game begins; before it neither critic nor term is.
    starts_at: float = Field(0.0, ge=0, lt=1)

    @abstractmethod
    def critic_terms(self, critic: Critic, real: Images, fake: Images) -> dict[str, Scalar]:
        """What the critic lowers, by name; their sum is its loss. `fake` carries no gradient."""

    @abstractmethod
    def _student_term(self, critic: Critic, real: Images, fake: Images) -> Scalar: ...

    def student_term(self, critic: Module, real: Images, fake: Images) -> Scalar:
        """What the student lowers; the critic's parameters get no gradient."""
        return self._student_term(_frozen(critic), real, fake)

    def critic(self, shape: tuple[int, ...]) -> Module:
        """An untrained critic of samples of `shape`."""
        from kdm.losses.discriminator import Discriminator  # torch: only who plays waits for it

        return Discriminator(
            shape, width=self.width, num_halvings=self.num_halvings, has_norm=self.has_norm
        )


class NonSaturating(Game):
    """Cross-entropy, as published: CE(1, D(x_0)) + CE(0, D(x_0^)) against CE(1, D(x_0^))."""

    has_norm: ClassVar[bool] = True

    kind: Literal["non-saturating"] = "non-saturating"

    def critic_terms(self, critic: Critic, real: Images, fake: Images) -> dict[str, Scalar]:
        """Means over samples and patches; real and fake pass in batches of their own."""
        # CE(1, D) = softplus(−D) and CE(0, D) = softplus(D).
        return {"real": _softplus(-critic(real)).mean(), "fake": _softplus(critic(fake)).mean()}

    def _student_term(self, critic: Critic, real: Images, fake: Images) -> Scalar:
        return _softplus(-critic(fake)).mean()


class Relativistic(Game):
    """R3GAN's game: which of a pair is real, with R1 and R2 (Huang et al. 2024, Sec. 2).

    The critic has no batch normalisation: a penalty on the gradient of one sample's logit must not
    depend on the others. A pair is x_0 and x_0^ of the same noise.
    """

    has_norm: ClassVar[bool] = False

    kind: Literal["relativistic"] = "relativistic"
    gamma: float = Field(0.05, ge=0)  # of R1 and R2; where R3GAN begins on CIFAR-10

    def critic_terms(self, critic: Critic, real: Images, fake: Images) -> dict[str, Scalar]:
        """softplus(D(x_0^) − D(x_0)), and γ/2 times the squared gradients at either."""
        real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        on_real, on_fake = critic(real), critic(fake)
        terms = {"relativistic": _softplus(on_fake - on_real).mean()}
        if self.gamma:
            terms["r1"] = self.gamma / 2 * _square_gradient(on_real, real)
            terms["r2"] = self.gamma / 2 * _square_gradient(on_fake, fake)
        return terms

    def _student_term(self, critic: Critic, real: Images, fake: Images) -> Scalar:
        return _softplus(critic(real) - critic(fake)).mean()


Adversary = Annotated[NonSaturating | Relativistic, Field(discriminator="kind")]


def _softplus(x: Logits) -> Logits:
    import torch.nn.functional as F  # as late as can be: recipes name games

    return F.softplus(x)


def _frozen(critic: Module) -> Critic:
    """A critic whose parameters get no gradient, while what passes it does."""
    from torch.func import functional_call

    parameters = {name: each.detach() for name, each in critic.named_parameters()}
    return lambda x: functional_call(critic, parameters, (x,))


def _square_gradient(logits: Logits, x: Images) -> Scalar:
    """E ‖∇_x D(x)‖², D the mean over patches."""
    import torch

    (gradient,) = torch.autograd.grad(logits.mean(1).sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
