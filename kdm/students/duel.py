"""A student against its critic, which steps first (Algorithm 1, lines 13 and 14)."""

from collections.abc import Callable, Mapping

from torch import nn

from kdm.batch import Batch
from kdm.losses.adversarial import Game
from kdm.objective import Losses, weighted
from kdm.shapes import Scalar
from kdm.students.trace import Trace


class Duel:
    """Both losses of a batch look at the same samples: what the critic saw, the student takes.

    The student's parameters do not change in between, so one pass serves both. `trace` is that
    pass, `terms` are the student's own, unweighted, and `weights` theirs.
    """

    def __init__(
        self,
        game: Game,
        critic: nn.Module,
        *,
        trace: Callable[[Batch], Trace],
        terms: Callable[[Trace], dict[str, Scalar]],
        weights: Mapping[str, float],
    ) -> None:
        self._game, self._critic = game, critic
        self._trace, self._terms = trace, terms
        self._weights = {**weights, "adv": game.weight}
        self._held: tuple[Batch, Trace] | None = None

    def critic_losses(self, batch: Batch) -> Losses:
        """The critic's, which leave the student without a gradient."""
        trace = self._trace(batch)
        self._held = batch, trace
        assert trace.x_pred is not None
        terms = self._game.critic_terms(self._critic, trace.x_0, trace.x_pred.detach())
        return weighted(terms, {})

    def student_losses(self, batch: Batch) -> Losses:
        """The student's own terms and `adv`, which leave the critic without a gradient."""
        trace = self._taken(batch)
        assert trace.x_pred is not None
        terms = self._terms(trace)
        terms["adv"] = self._game.student_term(self._critic, trace.x_0, trace.x_pred)
        return weighted(terms, self._weights)

    def _taken(self, batch: Batch) -> Trace:
        held, self._held = self._held, None
        return held[1] if held is not None and held[0] is batch else self._trace(batch)
