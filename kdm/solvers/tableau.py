"""An explicit Runge-Kutta rule as its table of coefficients, checked when it is made.

With s stages a rule carries x from t to t + h by (Hairer, Nørsett & Wanner 1993, Definition II.1.1)

    k_i = v(x + h Σ_j<i a_ij k_j, t + c_i h),   x_next = x + h Σ_i b_i k_i,        i = 1 … s

    0   |
    c_2 | a_21                     The table as it is printed (Butcher 1963). Its lines are `rows`, its
    c_3 | a_31 a_32                left column `nodes`, its bottom line `weights`; a second bottom line,
    ----+---------------           `embedded` b^_i, is a rule of lower order over the same stages, so that
        | b_1  b_2  b_3            h Σ_i (b_i - b^_i) k_i estimates the error of a step.

A rule doesn't say where steps begin and end (the grid), or which states are kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import NamedTuple

from kdm.shapes import Samples
from kdm.solvers.order_conditions import Row, require_order

Slope = Callable[[Samples, float], Samples]  # v(x, t), [n, *shape] as x


class Passed(NamedTuple):
    """A state that a rule passes, and how far a rule of lower order is from it."""

    x: Samples  # [n, *shape]
    error: Samples  # [n, *shape], an estimate of one step's error; 0 where there is none


@dataclass(frozen=True)
class Tableau:
    """The coefficients of an explicit rule of order `order`, as exact fractions."""

    nodes: Row  # c_i, of [0, 1]
    rows: tuple[Row, ...]  # a_ij for j < i: row i has i - 1 numbers
    weights: Row  # b_i
    order: int  # p: the error of one step is O(h^(p + 1))
    embedded: Row | None = None  # b^_i
    embedded_order: int = 0  # of b^_i, below p

    @classmethod
    def of(
        cls,
        *,
        rows: Sequence[str],
        weights: str,
        order: int,
        embedded: str | None = None,
        embedded_order: int = 0,
    ) -> "Tableau":
        """From the table's text, '19372/6561 -25360/2187 …' a line; nodes are the sums of the lines.

        Raises a ValueError if the shape is not a table's or an order condition fails.
        """
        table = tuple(map(row, rows))
        return cls(
            nodes=tuple(sum(each, Fraction(0)) for each in table),
            rows=table,
            weights=row(weights),
            order=order,
            embedded=None if embedded is None else row(embedded),
            embedded_order=embedded_order,
        )

    def __post_init__(self) -> None:
        num_stages = len(self.rows)
        if [len(each) for each in self.rows] != list(range(num_stages)):
            raise ValueError(
                f"an explicit rule's row i has i - 1 numbers; here they have {[*map(len, self.rows)]}"
            )
        if len(self.weights) != num_stages:
            raise ValueError(
                f"{len(self.weights)} weights for {num_stages} stages; give each its own"
            )
        if self.nodes != tuple(sum(each, Fraction(0)) for each in self.rows):
            raise ValueError(
                "a node c_i must be the sum of its row a_ij (Hairer et al., Eq. II.1.9)"
            )
        require_order(self.rows, self.weights, self.order)
        if self.embedded is not None:
            self._require_estimate(self.embedded)

    def _require_estimate(self, embedded: Row) -> None:
        if len(embedded) != len(self.rows) or embedded == self.weights:
            raise ValueError(
                "the embedded weights must be as many as the stages, and others than the weights"
            )
        if not 0 < self.embedded_order < self.order:
            raise ValueError(
                f"the embedded order is {self.embedded_order}; it must be above 0 and below "
                f"{self.order}"
            )
        require_order(self.rows, embedded, self.embedded_order)

    @property
    def num_stages(self) -> int:
        """Velocities that one step asks for."""
        return len(self.rows)

    def step(self, slope: Slope, x: Samples, t: float, t_next: float) -> Samples:
        """x_next [n, *shape] at `t_next` from x [n, *shape] at `t`, in x's number type.

        A stage with c_i = 1 is evaluated at `t_next` itself, not at t + h, which may be rounded.
        """
        return self._weight_terms.added(x, t_next - t, self._slopes(slope, x, t, t_next))

    def step_with_error(self, slope: Slope, x: Samples, t: float, t_next: float) -> Passed:
        """The same x_next, and h Σ_i (b_i - b^_i) k_i; the rule must have embedded weights."""
        assert self.embedded is not None  # samplers ask for `embedded` first
        slopes = self._slopes(slope, x, t, t_next)
        lower = _Terms.of(self.embedded).added(x, t_next - t, slopes)
        x_next = self._weight_terms.added(x, t_next - t, slopes)
        return Passed(x_next, x_next - lower)

    def _slopes(self, slope: Slope, x: Samples, t: float, t_next: float) -> list[Samples]:
        h = t_next - t
        slopes: list[Samples] = []
        for node, terms in zip(self.nodes, self._row_terms, strict=True):
            at = t_next if node == 1 else t + float(node) * h
            slopes.append(slope(terms.added(x, h, slopes), at))
        return slopes

    @cached_property
    def _row_terms(self) -> tuple["_Terms", ...]:
        return tuple(map(_Terms.of, self.rows))

    @cached_property
    def _weight_terms(self) -> "_Terms":
        return _Terms.of(self.weights)


class _Terms(NamedTuple):
    """Σ_j a_j k_j over the common denominator of the a_j, without the terms that are 0.

    h / 6 (k_1 + 2 k_2 + 2 k_3 + k_4) and not h (k_1 / 6 + k_2 / 3 + …): whole factors round less, and
    this order of operations is part of the bytes of all pairs that were ever sampled.
    """

    denominator: int
    terms: tuple[tuple[int, int], ...]  # stage j, whole factor

    @classmethod
    def of(cls, coefficients: Row) -> "_Terms":
        denominator = lcm(*(each.denominator for each in coefficients))
        factors = [int(each * denominator) for each in coefficients]
        return cls(denominator, tuple((j, each) for j, each in enumerate(factors) if each))

    def added(self, x: Samples, h: float, slopes: Sequence[Samples]) -> Samples:
        """x + h Σ_j a_j k_j; x itself without terms."""
        if not self.terms:
            return x
        parts = [slopes[j] if factor == 1 else factor * slopes[j] for j, factor in self.terms]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return x + h / self.denominator * total


def row(text: str) -> Row:
    """'3/40 9/40' as fractions."""
    return tuple(map(Fraction, text.split()))
