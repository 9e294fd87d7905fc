"""Adaptive steps by Dormand and Prince's rule of orders 5 and 4 (1980), as torchdiffeq takes them.

From t = 0 to 1. One try of a step of length h, of the error e = h Σ_i (b_i - b^_i) k_i and the ratio

    r = rms(e / (atol + rtol max(|x|, |x_next|)))            over all values of all samples of the batch

is taken if r <= 1; in either case the next step is h · clip(0.9 r^(-1/5), 0.2, 10), never shorter after
a step that was taken. The first length is that of Hairer, Nørsett & Wanner 1993 (Section II.4, "Starting
step size"). The last step passes t = 1, where x is read off a quartic through both ends, both slopes and
the middle of the step (Shampine 1986). So where one sample ends depends on all of its batch.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import torch
from torch import Tensor

from kdm.shapes import Samples
from kdm.solvers.order_conditions import Row, require_order
from kdm.solvers.tableau import Tableau, row
from storage.errors import InvalidPairsError

Velocity = Callable[[Samples, Tensor], Samples]  # of x [n, *shape] and t, a float64 scalar [ ]

# The last stage is the first of the next step, so that a step taken costs six velocities. The embedded
# weights are not the pair's own but Shampine's (1986), also of order 4: torchdiffeq has them, and the
# published samples were made with it.
DORMAND_PRINCE = Tableau.of(
    rows=[
        "",
        "1/5",
        "3/40 9/40",
        "44/45 -56/15 32/9",
        "19372/6561 -25360/2187 64448/6561 -212/729",
        "9017/3168 -355/33 46732/5247 49/176 -5103/18656",
        "35/384 0 500/1113 125/192 -2187/6784 11/84",
    ],
    weights="35/384 0 500/1113 125/192 -2187/6784 11/84 0",
    order=5,
    embedded="1951/21600 0 22642/50085 451/720 -12231/42400 649/6300 1/60",
    embedded_order=4,
)
# Twice the weights of the state in the middle of a step, of order 4 there (Shampine 1986)
TWICE_MIDDLE = row(
    "6025192743/30085553152 0 51252292925/65400821598 -2691868925/45128329728 "
    "187940372067/1594534317056 -1776094331/19743644256 11237099/235043384"
)
require_order(
    DORMAND_PRINCE.rows,
    tuple(weight / 2 for weight in TWICE_MIDDLE),
    order=4,
    share=Fraction(1, 2),
)


def _floats(coefficients: Row) -> tuple[float, ...]:
    return tuple(map(float, coefficients))


NODES = _floats(DORMAND_PRINCE.nodes)[1:]
STAGES = tuple(map(_floats, DORMAND_PRINCE.rows))[1:]
# b_i - b^_i. Subtracted here and not as states, whose difference would drown in float32's rounding; and
# subtracted as floats, on which the bytes of samples made so far depend.
ERROR = tuple(
    float(weight) - float(other)
    for weight, other in zip(DORMAND_PRINCE.weights, DORMAND_PRINCE.embedded or (), strict=True)
)
MIDDLE = _floats(TWICE_MIDDLE)
SAFETY, LARGEST, SMALLEST = 0.9, 10.0, 0.2  # how much a step may grow and shrink


class Tolerance(NamedTuple):
    """The error that a step may make: `absolute` plus `relative` times the state."""

    relative: float
    absolute: float

    def at(self, size: Tensor) -> Tensor:
        """For each value of a state of this size."""
        return self.absolute + self.relative * size


class Attempt(NamedTuple):
    """A try of one step from t, taken or not."""

    end: Tensor  # x_next [n, *shape]
    slopes: list[Tensor]  # k_1 … k_7, each [n, *shape]
    ratio: float  # r, of the error to the tolerance


def dopri5(velocity: Velocity, noise: Samples, tolerance: Tolerance) -> Samples:
    """The state [n, *shape] at t = 1 from noise [n, *shape] at t = 0, in the noise's number type.

    Raises InvalidPairsError if no step is short enough, as after a velocity that isn't finite.
    """
    x, t = noise, 0.0
    slope = velocity(x, _time(t))
    h = _first_step(velocity, x, slope, tolerance)
    while True:
        attempt = _attempt(velocity, x, t, h, slope, tolerance)
        _require_progress(t, h, attempt)
        if attempt.ratio <= 1 and t + h >= 1:
            return _between(x, attempt, h, (1 - t) / h)
        if attempt.ratio <= 1:
            x, t, slope = attempt.end, t + h, attempt.slopes[-1]
        h *= _growth(attempt.ratio)


def _attempt(
    velocity: Velocity, x: Tensor, t: float, h: float, slope: Tensor, tolerance: Tolerance
) -> Attempt:
    """One step of length h from (x, t): its end, its seven slopes, and its error."""
    slopes, end = [slope], x
    for node, weights in zip(NODES, STAGES, strict=True):
        end = x + h * _mixed(slopes, weights)
        slopes.append(velocity(end, _time(t + node * h)))
    error = h * _mixed(slopes, ERROR)
    allowed = tolerance.at(torch.maximum(x.abs(), end.abs()))
    return Attempt(end, slopes, _rms(error / allowed))


def _require_progress(t: float, h: float, attempt: Attempt) -> None:
    if math.isfinite(attempt.ratio) and t + h > t:
        return
    raise InvalidPairsError(
        f"dopri5 is at {t:.6g} of its way and can't find a step within its tolerance (the last was "
        f"{h:.3g}, with {attempt.ratio:.3g} times the allowed error); look at the teacher's "
        "velocities, or choose a sampler of fixed steps"
    )


def _first_step(velocity: Velocity, x: Tensor, slope: Tensor, tolerance: Tolerance) -> float:
    """A first h from the sizes of x, of its slope, and of the slope's change (Hairer et al. 1993, II.4)."""
    scale = tolerance.at(x.abs())
    size, speed = _rms(x / scale), _rms(slope / scale)
    h = 1e-6 if min(size, speed) < 1e-5 else 0.01 * size / speed
    bend = _rms((velocity(x + h * slope, _time(h)) - slope) / scale) / h
    if max(speed, bend) <= 1e-15:
        return min(100 * h, max(1e-6, h * 1e-3))
    return float(min(100 * h, (0.01 / max(speed, bend)) ** (1 / 5)))


def _growth(ratio: float) -> float:
    """How much longer the next step may be, from this one's error over its tolerance."""
    if ratio == 0:
        return LARGEST
    return float(min(LARGEST, max(SAFETY / ratio ** (1 / 5), 1.0 if ratio < 1 else SMALLEST)))


def _between(x: Tensor, attempt: Attempt, h: float, share: float) -> Tensor:
    """The quartic with both ends, both slopes and the middle of the step, at a share of it."""
    middle, end = x + h / 2 * _mixed(attempt.slopes, MIDDLE), attempt.end
    first, last = h * attempt.slopes[0], h * attempt.slopes[-1]
    a = 2 * (last - first) - 8 * (end + x) + 16 * middle
    b = 5 * first - 3 * last + 18 * x + 14 * end - 32 * middle
    c = last - 4 * first - 11 * x - 5 * end + 16 * middle
    return x + share * (first + share * (c + share * (b + share * a)))


def _mixed(slopes: list[Tensor], weights: tuple[float, ...]) -> Tensor:
    mixed = weights[0] * slopes[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=True):
        mixed = mixed + weight * slope
    return mixed


def _rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def _time(t: float) -> Tensor:
    return torch.tensor(t, dtype=torch.float64)
