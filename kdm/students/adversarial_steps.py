"""A student against its critic, which steps first (Eq. 9, Algorithm 1, lines 13 to 17).

critic:   L_adv^D(x_0, x_0^)                    on samples without a gradient
student:  Σ w · L_term + λ_adv L_adv^G(x_0^)    through the critic as it is after its step
"""

from collections.abc import Callable, Mapping

from torch import nn

from kdm.batch import Batch
from kdm.losses.adversarial import Game
from kdm.objective import Losses, weighted
from kdm.shapes import Scalar
from kdm.students.trace import Trace


class Duel:
    """Both losses of a batch judge the same samples x_0^: what the critic saw, the student takes.

    The student's parameters don't change between the two, so that one pass serves both; the trace is
    kept from the critic's loss to the student's, and no longer. `trace` is that pass, `terms` gives the
    student's own terms, unweighted, and `weights` their weights.
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
        """The critic's loss, which leaves the student without a gradient."""
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
        """The trace that the critic saw, or a new one where this batch isn't the one it saw."""
        held, self._held = self._held, None
        return held[1] if held is not None and held[0] is batch else self._trace(batch)
