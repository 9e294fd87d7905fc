"""What is trained and by which losses; teachers and students have one each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kdm.batch import Batch
from kdm.shapes import Samples, Scalar
from kdm.torch_types import Module


class Losses(NamedTuple):
    """The sum that is differentiated, and its terms by name (unweighted, detached)."""

    total: Scalar
    terms: dict[str, Scalar]


@dataclass(frozen=True)
class Player:
    """One set of parameters with its loss; each player has an optimiser of its own."""

    name: str
    module: Module
    loss: Callable[[Batch], Losses]


@dataclass(frozen=True)
class Objective:
    """The model that is averaged and exported, and who steps, in that order, on each batch."""

    model: Module
    players: tuple[Player, ...]
    # Images to look at, [8 k, C, H, W] of -1 … 1, from the model as it is and always the same noise;
    # of a student a row of its teacher's above each row of its own.
    draw: Callable[[], Samples] | None = None
    networks: tuple[Module, ...] = ()  # the parts that torch.compile may take
    # Who steps until `opening_share` of the training is done, while the others rest; names are those
    # of `players`.
    opening: tuple[Player, ...] = ()
    opening_share: float = 0.0

    def playing(self, share_done: float) -> tuple[Player, ...]:
        """Who steps on a batch once this share of the training is done."""
        return self.opening if share_done < self.opening_share else self.players


def weighted(terms: Mapping[str, Scalar], weights: Mapping[str, float]) -> Losses:
    """Σ weight · term (Eq. 4), terms of weight 1 unmultiplied; a term without a weight has 1."""
    parts = [
        term if weights.get(name, 1.0) == 1.0 else weights[name] * term
        for name, term in terms.items()
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return Losses(total, {name: term.detach() for name, term in terms.items()})
