"""Multistep rules of one new slope a step: Adams' rules and their exponential relatives.

A rule carries x from t to t_next by a polynomial through known values f_j at places u_j (adams.py):

    plain         dx/dt = v,           f = v,              u = t
    exponential   dx/dt = (x - D)/t,   f = D = x - t v,    u = -ln t:    x_next = t_next/t x + Σ_j w_j D_j

For both kinds of field here x - t v is the expected data D: EDM's v is (x - D) / t, and so is that of the
straight path, where x_t - x_0 = t (x_T - x_0). So one exponential rule serves both. The noise in x, which
is large and falls as t, is carried without error (Lu et al. 2022, Section 4.1, with -ln t for the half log
signal-to-noise ratio: the same for EDM, and finite at t = 1 on the straight path).

A prediction of x_next uses the last k values. A correction also uses the value at the predicted x_next,
which the next step needs anyway, so it costs nothing (Zhao et al. 2023, Section 3.1); no value is computed
again at the corrected x. At first only one value is known, and an uncorrected first step would leave an
error of order h² in x_0. So rules of order 3 correct their first step, whatever they do in the others.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from kdm.shapes import Samples
from kdm.solvers.adams import exponential_weights, plain_weights
from kdm.solvers.tableau import Passed, Slope


class _Value(NamedTuple):
    place: float  # u
    f: Samples  # [n, *shape]


class _Start(NamedTuple):
    x: Samples  # where the step began
    t: float
    place: float


@dataclass(frozen=True)
class Multistep:
    """A multistep rule. The error of x_0 falls as the number of steps to the power of `order`, negative."""

    order: int
    num_predicting: int  # k: values that a prediction uses, as soon as so many are known
    num_correcting: int = 0  # known values that a correction uses, besides the new one; 0: none
    corrects_first: bool = False  # the first step is corrected in any case
    is_exponential: bool = False
    # The second value's weight as in DPM-Solver++(2M) (Lu et al. 2022, Algorithm 2), which has half of
    # 1 - e^-h where the polynomial's integral over h is 1 - (1 - e^-h) / h: both of order 2.
    is_halved: bool = False

    def steps(
        self, slope: Slope, x: Samples, times: Sequence[float], *, ends_with_euler: bool
    ) -> Iterator[Passed]:
        """x [n, *shape] after each step of the grid `times`, with one slope a step.

        `ends_with_euler`: the last step is Euler's, for fields that aren't defined at the last time.
        Exponential rules always end so: x_0 is the last D.
        """
        known: list[_Value] = []
        start, ahead = _Start(x, times[0], 0.0), Passed(x, x.new_zeros(x.shape))
        for step, (t, t_next) in enumerate(pairwise(times)):
            new = self._value(ahead.x, t, slope(ahead.x, t))
            if step:
                ahead = self._corrected(start, known, new, ahead, t)
                yield ahead
            known = [new, *known][: max(self.num_predicting, self.num_correcting)]
            start = _Start(ahead.x, t, new.place)
            is_euler = t_next == times[-1] and (ends_with_euler or self.is_exponential)
            ahead = self._predicted(start, known[: 1 if is_euler else self.num_predicting], t_next)
        yield ahead

    def _value(self, x: Samples, t: float, v: Samples) -> _Value:
        return _Value(-math.log(t), x - t * v) if self.is_exponential else _Value(t, v)

    def _predicted(self, start: _Start, values: Sequence[_Value], t_next: float) -> Passed:
        x = self._carried(start, values, t_next)
        if len(values) == 1:
            return Passed(x, x.new_zeros(x.shape))
        return Passed(x, x - self._carried(start, values[:-1], t_next))

    def _corrected(
        self, start: _Start, known: Sequence[_Value], new: _Value, ahead: Passed, t: float
    ) -> Passed:
        """The state at t once its value is known; `ahead`, the prediction, if the rule doesn't correct it."""
        is_first = len(known) == 1
        num_known = self.num_correcting or int(self.corrects_first and is_first)
        if not num_known:
            return ahead
        x = self._carried(start, [new, *known[:num_known]], t)
        return Passed(x, x - ahead.x)

    def _carried(self, start: _Start, values: Sequence[_Value], t_next: float) -> Samples:
        """x at t_next, from the polynomial through the values."""
        if self.is_exponential and t_next == 0:
            return values[0].f
        nodes = [value.place - start.place for value in values]
        if self.is_exponential:
            h = -math.log(t_next) - start.place
            weights, x = self._exponential(nodes, h), t_next / start.t * start.x
        else:
            weights, x = plain_weights(nodes, t_next - start.t), start.x
        for weight, value in zip(weights, values, strict=True):
            x = x + weight * value.f
        return x

    def _exponential(self, nodes: Sequence[float], h: float) -> list[float]:
        if not self.is_halved or len(nodes) != 2 or nodes[0] != 0:
            return exponential_weights(nodes, h)
        whole = -math.expm1(-h)
        slanted = whole * h / (2 * -nodes[1])
        return [whole + slanted, -slanted]
