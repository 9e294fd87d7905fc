"""Squared distances of two sets' rows, by blocks: found in float32, decided as in float64.

‖x − y‖² = ‖x‖² + ‖y‖² − 2 xᵀy takes a product of matrices, which float32 computes twice as fast. Its error
is below τ (‖x‖² + ‖y‖²), about a common centre, with τ = 8 ε √d for sums of d terms (rounding errors
add up like a walk; eight of its deviations). So a squared distance has a lower and an upper bound, and
only those for which a radius lies between the two are computed again, Σ (x − y)² in float64: copies are
at 0 exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.feature_rows import Features, blocks

_ROWS = 2_048  # of a block: 17 MB of distances in float32
_PAIRS = 1_024  # computed again at a time: 2 × 17 MB of 2,048 features in float64
_MOST = 50_000  # pairs of a block that are computed one by one; more take a product in float64
_ROUND_OFF = 1e-13  # of ‖x‖² + ‖y‖², times d, in float64: copies
Single = NDArray[np.float32]
Double = NDArray[np.float64]
Flags = NDArray[np.bool_]


class SquaredDistances:
    """Those of all rows of [n, d] to all rows of [m, d]."""

    def __init__(self, left: Features, right: Features) -> None:
        """The centre is the mean of `right`: products are smallest about a point amid the rows."""
        self._left, self._right = left, right
        total: Double = np.add.reduce([block.sum(axis=0) for _, block in blocks(right)])
        self._centre = total / len(right)

    def blocks(self, *, is_half: bool = False) -> Iterator["DistanceBlock"]:
        """All of them, by blocks of rows, and for each by blocks of columns.

        Of a set with itself half of them hold everything: those whose columns aren't before the rows.
        """
        for first in range(0, len(self._left), _ROWS):
            rows = slice(first, min(first + _ROWS, len(self._left)))
            x = self._left[rows]
            centred = _centred(x, self._centre)
            for start in range(first if is_half else 0, len(self._right), _ROWS):
                columns = slice(start, min(start + _ROWS, len(self._right)))
                y = self._right[columns]
                yield DistanceBlock(
                    rows, columns, x, y, *_bounded(centred, _centred(y, self._centre))
                )

    def radii(self, place: int) -> Double:
        """Squared distances [n] to the `place`-th nearest other row; the two sets are one, [n, d]."""
        found: Double = np.full((len(self._left), place), np.inf)
        for block in self.blocks(is_half=True):
            found[block.rows] = block.nearest(found[block.rows])
            if block.rows != block.columns:
                found[block.columns] = block.turned().nearest(found[block.columns])
        return found[:, -1]


@dataclass(frozen=True)
class DistanceBlock:
    """Squared distances of some rows, [a, d], to some columns, [b, d]."""

    rows: slice
    columns: slice
    x: NDArray[np.floating]
    y: NDArray[np.floating]
    low: Single  # [a, b] what they are at least
    slack: tuple[Single, Single]  # [a] and [b]: how far above it they may be, in sum

    def turned(self) -> "DistanceBlock":
        """Columns for rows."""
        slack = self.slack[1], self.slack[0]
        return DistanceBlock(
            self.columns, self.rows, self.y, self.x, np.ascontiguousarray(self.low.T), slack
        )

    def within(self, radii: Double) -> tuple[Flags, Flags]:
        """Whether each is at most, and whether it is below, squared radii of [a, 1] or [1, b]."""
        near = self.low <= np.nextafter(radii.astype(np.float32), np.float32(np.inf))
        first, second = np.nonzero(near)
        limits = np.broadcast_to(radii, near.shape)[first, second]
        unsure = self._upper(first, second) >= limits
        first, second, limits = first[unsure], second[unsure], limits[unsure]
        exact, inside = self._exact(first, second), near.copy()
        near[first, second], inside[first, second] = exact <= limits, exact < limits
        return near, inside

    def nearest(self, known: Double) -> Double:
        """The k smallest of each row, in order, of `known` [a, k] and of these, itself left out."""
        place = known.shape[1]
        low = self.low.copy()
        if self.rows == self.columns:
            np.fill_diagonal(low, np.inf)
        limits = known[:, -1:].astype(np.float32)
        if low.shape[1] > place and np.isinf(limits).any():  # the first block of these rows
            upper = low + self.slack[0][:, None] + self.slack[1]
            limits = np.partition(upper, place - 1, axis=1)[:, place - 1 : place]
        first, second = np.nonzero(low <= np.nextafter(limits, np.float32(np.inf)))
        if len(first) > _MOST:
            squares = self._by_product()
            squares[np.isinf(low)] = np.inf
            return np.sort(np.concatenate([known, squares], axis=1), axis=1)[:, :place]
        return _smallest(known, first, self._exact(first, second))

    def _upper(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Single:
        slack = self.slack[0][first] + self.slack[1][second]
        return np.asarray(self.low[first, second] + slack)

    def _exact(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> Double:
        """Σ (x − y)² in float64 of pairs of a row and a column."""
        if len(first) > _MOST:
            return np.asarray(self._by_product()[first, second])
        found = np.empty(len(first))
        for start in range(0, len(first), _PAIRS):
            pairs = slice(start, start + _PAIRS)
            apart = self.x[first[pairs]].astype(np.float64) - self.y[second[pairs]]
            found[pairs] = np.einsum("ij,ij->i", apart, apart)
        return found

    def _by_product(self) -> Double:
        """All of them in float64, for sets in which many rows are nearly alike."""
        x, y = self.x.astype(np.float64), self.y.astype(np.float64)
        lengths = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)
        squares: Double = lengths - 2 * x @ y.T
        squares[squares < _ROUND_OFF * x.shape[1] * lengths] = 0.0
        return squares


def _centred(rows: NDArray[np.floating], centre: Double) -> Single:
    return np.asarray(rows - centre.astype(rows.dtype), np.float32)


def _bounded(x: Single, y: Single) -> tuple[Single, tuple[Single, Single]]:
    """Lower bounds of squared distances [a, b], and by how much upper bounds are above them."""
    share = np.float32(8 * np.finfo(np.float32).eps * x.shape[1] ** 0.5)
    lengths = [np.einsum("ij,ij->i", each, each) for each in (x, y)]
    low = x @ (np.float32(-2) * y).T
    low += (1 - share) * lengths[0][:, None]
    low += (1 - share) * lengths[1]
    return low, (2 * share * lengths[0], 2 * share * lengths[1])


def _smallest(known: Double, rows: NDArray[np.int64], squares: Double) -> Double:
    """The k smallest of each row, in order, of [a, k] and of further ones in these rows."""
    num, place = known.shape
    owners = np.concatenate([np.repeat(np.arange(num), place), rows])
    values = np.concatenate([known.ravel(), squares])
    order = np.lexsort((values, owners))
    starts = np.searchsorted(owners[order], np.arange(num))
    found: Double = values[order][starts[:, None] + np.arange(place)]
    return found
