"""A student against its critic, which steps first (Eq. 9, Algorithm 1, lines 13 to 17).

critic:   L_adv^D(x_0, x_0^)                    on samples without a gradient
student:  Σ w · L_term + λ_adv L_adv^G(x_0^)    through the critic as it is after its step

Every student whose sample is one pass can play: KDM, KDM-F, regression and GET. So what a critic is worth can
be told from what the operator is worth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from torch import nn

from kdm.batch import Batch
from kdm.losses.adversarial import Critic, Game, View
from kdm.networks.image_shapes import Images
from kdm.objective import Losses, Objective, Player, weighted
from kdm.shapes import Samples, Scalar
from kdm.students.labels import one_hot
from kdm.students.student import Student


@runtime_checkable
class Passed(Protocol):
    """What a student made of a batch: both in scaled units, (n, ...)."""

    @property
    def x_0(self) -> Samples:
        """The teacher's samples."""

    @property
    def x_pred(self) -> Samples | None:
        """The student's samples of the same noise."""


PassedT = TypeVar("PassedT", bound=Passed)


@dataclass(frozen=True)
class Own(Generic[PassedT]):
    """What a student trains by without a critic: its pass, the terms of it, and their weights.

    A term without a weight has weight 1.
    """

    trace: Callable[[Batch], PassedT]
    terms: Callable[[PassedT], dict[str, Scalar]]
    weights: Mapping[str, float]

    def measure(self, batch: Batch) -> Losses:
        """The weighted sum of the terms."""
        return weighted(self.terms(self.trace(batch)), self.weights)


def objective_of(
    student: Student,
    own: Own[Any],
    *,
    networks: tuple[nn.Module, ...],
    game: Game | None,
    shape: tuple[int, ...],
) -> Objective:
    """The student's own terms; with a game also a critic's, who steps first on each batch.

    Until the game begins the student steps alone. Raises a ValueError if there can't be a critic of samples
    of this shape.
    """
    alone = (Player("student", student, student.measure),)
    if game is None:
        return Objective(student, alone, networks=networks)
    critic = game.critic(shape, student.num_classes)
    duel = Duel(game, critic, own, num_classes=student.num_classes if game.sees_labels else 0)
    players = (
        Player("critic", critic, duel.critic_losses, game.pace),
        Player("student", student, duel.student_losses),
    )
    return Objective(
        student, players, networks=networks, opening=alone, opening_share=game.starts_at
    )


class Duel(Generic[PassedT]):
    """Both losses of a batch judge the same samples x_0^: what the critic saw, the student takes.

    The student's parameters don't change between the two, so that one pass serves both; the trace, and how
    the critic saw it, are kept from the critic's loss to the student's, and no longer. Where they aren't
    there, as for all micro-batches but the last, both are made again in the same order, so that random
    numbers by sample are those that the critic's loss had. `num_classes` are those that the critic sees.
    """

    def __init__(
        self, game: Game, critic: nn.Module, own: Own[PassedT], *, num_classes: int
    ) -> None:
        self._game, self._critic, self._own = game, critic, own
        self._num_classes = num_classes
        self._weights = {**own.weights, "adv": game.weight}
        self._held: tuple[Batch, PassedT, View] | None = None

    def critic_losses(self, batch: Batch) -> Losses:
        """The critic's loss, which leaves the student without a gradient."""
        trace, view = self._made(batch)
        self._held = batch, trace, view
        real, fake = self._compared(batch, trace)
        seen, done = view(self._critic), self._game.played(batch.share_done)
        return weighted(self._game.critic_terms(seen, real, fake.detach(), done=done), {})

    def student_losses(self, batch: Batch) -> Losses:
        """The student's own terms and `adv`, which leave the critic without a gradient."""
        trace, view = self._taken(batch)
        terms = self._own.terms(trace)
        real, fake = self._compared(batch, trace)
        terms["adv"] = self._game.student_term(self._critic, real, fake, view=view)
        return weighted(terms, self._weights)

    def _compared(self, batch: Batch, trace: PassedT) -> tuple[Samples, Samples]:
        """x_0 and x_0^ of the rows on which the game is played."""
        assert trace.x_pred is not None
        few = slice(batch.num_first(self._game.share))
        return trace.x_0[few], trace.x_pred[few]

    def _view(self, batch: Batch, real: Images) -> View:
        """The critic as it sees these rows: with their classes, and changed by one draw."""
        game, labels, changed = self._game, None, None
        if self._num_classes and batch.label is not None:
            labels = one_hot(batch.label[: len(real)], self._num_classes, like=real)
        if game.augment is not None:
            changed = game.augment.drawn(real, game.played(batch.share_done))
        if labels is None and changed is None:
            return lambda critic: critic

        def view(critic: Callable[..., Any]) -> Critic:
            rest = () if labels is None else (labels,)
            return lambda x: critic(x if changed is None else changed(x), *rest)

        return view

    def _made(self, batch: Batch) -> tuple[PassedT, View]:
        """A pass of the student, and then how the critic sees it: the order of their random numbers."""
        trace = self._own.trace(batch)
        real, _ = self._compared(batch, trace)
        return trace, self._view(batch, real)

    def _taken(self, batch: Batch) -> tuple[PassedT, View]:
        """What the critic saw, and how; made again where this batch isn't the one it saw."""
        held, self._held = self._held, None
        return held[1:] if held is not None and held[0] is batch else self._made(batch)
