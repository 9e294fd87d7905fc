"""What is trained and by which losses; every teacher and every student has an `objective`.

    L = Σ_terms w · L_term (Eqs. 4 and 9),   one L for each player

The trainer knows nothing else of a model. A player is a set of parameters with its own loss and its own
optimiser: a student alone, or a critic D_γ and a student, who step in turn on each batch (Algorithm 1,
line 17).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kdm.batch import Batch
from kdm.shapes import Samples, Scalar
from kdm.torch_types import Module


class Losses(NamedTuple):
    """A batch's loss: the sum L that is differentiated, and its terms by name (unweighted, detached)."""

    total: Scalar  # L
    terms: dict[str, Scalar]  # by name, unweighted and detached


Loss = Callable[[Batch], Losses]


class Pace(NamedTuple):
    """How a player's optimiser departs from the training's at a step."""

    rate: float = 1.0  # times the training's learning rate
    beta_2: float | None = None  # in place of the training's


def usual_pace(_share_done: float) -> Pace:
    """The training's own rate and β₂, at any time."""
    return Pace()


@dataclass(frozen=True)
class Player:
    """One set of parameters with its loss; each player has its own optimiser.

    A player whose module is part of another's takes that part from it. `name` is in checkpoints and, if
    there are several players, before its terms in the loss history. `loss` draws its random numbers
    through `kdm.randomness.draws`, and from nowhere else.
    """

    name: str  # 'student', 'critic'
    module: Module  # its parameters
    loss: Loss  # of a batch
    pace: Callable[[float], Pace] = usual_pace  # by the share of training that is done


@dataclass(frozen=True)
class Objective:
    """The model that is averaged and exported, and the players, in the order in which they step."""

    model: Module  # what is averaged and exported
    players: tuple[Player, ...]  # in the order in which they step
    # Makes pictures to look at, (8 k, C, H, W) of −1 … 1, with the weights as they are and always the
    # same noise; for a student, each of its rows is below a row of its teacher's.
    draw: Callable[[], Samples] | None = None
    networks: tuple[Module, ...] = ()  # the parts that torch.compile may compile
    # Those who step until `opening_share` of training is done, while the others rest; each has the name
    # of one of `players`.
    opening: tuple[Player, ...] = ()
    opening_share: float = 0.0  # 0 … 1
    # Gives the model its weights before a run's first step, if they aren't those it was built with; a run
    # that continues doesn't need it.
    begin: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        """Raise a ValueError unless one of several players is the model, each with a name of its own."""
        names = [player.name for player in self.players]
        num_models = sum(player.module is self.model for player in self.players)
        if len(names) > 1 and (num_models != 1 or len(set(names)) != len(names)):
            raise ValueError(
                f"the players {', '.join(names)} must have different names, and the module of exactly "
                f"one must be the objective's model, which is averaged and exported; {num_models} are"
            )

    def taken_from(self, player: Player) -> tuple[Module, ...]:
        """The parts of a player's module that other players move."""
        parts = set(player.module.modules()) - {player.module}
        return tuple(each.module for each in self.players if each.module in parts)

    def playing(self, share_done: float) -> tuple[Player, ...]:
        """Who steps on a batch once this share (0 … 1) of training is done."""
        return self.opening if share_done < self.opening_share else self.players


def weighted(terms: Mapping[str, Scalar], weights: Mapping[str, float]) -> Losses:
    """L = Σ weight · term (Eq. 4) of scalar terms; a term without a weight has weight 1.

    Terms of weight 1 aren't multiplied and the sum runs in the order of `terms`, so that the bits of L
    don't depend on which weights are written out.
    """
    parts = [
        term if weights.get(name, 1.0) == 1.0 else weights[name] * term
        for name, term in terms.items()
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return Losses(total, {name: term.detach() for name, term in terms.items()})
