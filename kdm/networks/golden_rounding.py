"""A golden's numbers beside ours, with room for what round-off can do to each of them.

Both sides are float32, made by processors that add in other orders. Most numbers agree within a plain
tolerance. For one that does not, ours are computed again, with every weight moved by a few units of its
last place (CESTAC: Vignes 1993, "A stochastic arithmetic for reliable scientific computation"). How far
that moves the number says how far round-off may: much where many steps build on one another, or where an
input lies so near the kink of a LeakyReLU that the last digit decides its slope. Room is bounded, so a
wrong sign, factor or index stays wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

# In relative size, four units of float32's last place: as much as sums of some hundred products lose.
_MOVED = 2.0**-22
_NUM_PAIRS = (
    4  # of runs with weights moved one way, then the other, so that either side of a kink is seen
)
_ROOM = 4.0  # times the largest move seen
MOST_ROOM = 10.0  # times the plain tolerance; what is further away is wrong whatever its round-off

Move = Callable[[nn.Module], None]
Compute = Callable[[Move, Sequence[str]], Mapping[str, Tensor]]
Distance = Callable[[Tensor, Tensor], float]


class Compared(NamedTuple):
    """One number or array of a golden, and how far the one computed here is from it."""

    name: str
    error: float  # relative; infinite where there is none, or one of another shape
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether it is as near as it must be."""
        return self.error <= self.tolerance


def compared(
    compute: Compute,
    wanted: Mapping[str, Tensor],
    tolerance: Callable[[str], float],
    distance: Distance,
) -> list[Compared]:
    """Each of `wanted` beside what `compute` finds; `tolerance` is widened where round-off asks for it."""
    found = compute(_stay, list(wanted))
    plain = [
        Compared(name, _error(found.get(name), value, distance), tolerance(name))
        for name, value in wanted.items()
    ]
    doubtful = [each.name for each in plain if _is_doubtful(each)]
    moves = _moves(compute, found, doubtful, distance) if doubtful else {}
    return [_with_room(each, moves.get(each.name, 0.0)) for each in plain]


def _error(found: Tensor | None, wanted: Tensor, distance: Distance) -> float:
    return float("inf") if found is None else distance(found, wanted)


def _is_doubtful(each: Compared) -> bool:
    return each.tolerance < each.error <= MOST_ROOM * each.tolerance


def _with_room(each: Compared, move: float) -> Compared:
    room = min(each.tolerance + _ROOM * move, MOST_ROOM * each.tolerance)
    return each._replace(tolerance=room)


def _moves(
    compute: Compute, found: Mapping[str, Tensor], names: Sequence[str], distance: Distance
) -> dict[str, float]:
    """The largest move of each, over runs with moved weights."""
    runs = [
        compute(_mover(seed, sign), names) for seed in range(_NUM_PAIRS) for sign in (1.0, -1.0)
    ]
    return {name: max(distance(run[name], found[name]) for run in runs) for name in names}


def _stay(_module: nn.Module) -> None:
    """Leave weights as they are."""


def _mover(seed: int, sign: float) -> Move:
    generator = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def move(module: nn.Module) -> None:
        for weight in module.parameters():
            share = 2 * torch.rand(weight.shape, generator=generator) - 1
            weight.mul_(1 + sign * _MOVED * share)

    return move
