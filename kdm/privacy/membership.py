"""A membership test of a whole set: are samples nearer in distribution to those that were trained on?

With members M, non-members N (m rows each) and samples S (n rows), a Gaussian kernel k of bandwidth σ and
the unbiased MMD² (Gretton et al. 2012, Eq. 3), in which the samples' own terms cancel:

    Δ = MMD²(S, N) − MMD²(S, M) = mean_{i≠j} k(N_i, N_j) − mean_{i≠j} k(M_i, M_j)
                                  − 2 mean k(S, N) + 2 mean k(S, M)
    k(x, y) = (e + e⁴ + e¹⁶) / 3,    e = exp(−‖x − y‖² / 2σ²)

σ is the median distance within M ∪ N; e⁴ and e¹⁶ are kernels of half and a quarter of that width, since
copies are near. Single training samples of a distilled student can't be told by their losses, but sets of
them can by this difference (arXiv 2502.02970). If S knows nothing of who is a member, labels may be swapped:
with ε_j = +1 for members and −1 for the others Δ is linear in them,

    Δ = Σ_j ε_j (2 a_j − r_j / (m − 1)) / m,   a_j = mean_i k(S_i, Z_j),   r_j = Σ_{l≠j} k(Z_j, Z_l)

over Z = M ∪ N, so a permutation costs a sum. The p-value is (1 + #{Δ_π ≥ Δ}) / (1 + number of permutations).
The interval is the bootstrap's: rows of S, M and N are drawn again with replacement, which moves Δ, to first
order, as it moves the three means of

    2 (a_j − r_j^M / (m − 1)) over M,   −2 (a_j − r_j^N / (m − 1)) over N,
    2 (mean k(S_i, M) − mean k(S_i, N)) over S,

with r_j^M = Σ_{l≠j, l∈M} k(M_j, M_l).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import resampled, spread

NUM_PERMUTATIONS = 1_999
_ROWS = 1_024  # of a block of the kernel
_FOR_MEDIAN = 1_000  # rows
_ROUND_OFF = 1e-12
_PARTS = 20  # permutations are bits, and become numbers a part at a time
Rows = NDArray[np.float64]  # features [n, f], or other numbers by row


class Membership(NamedTuple):
    """Δ with its 95 % interval, the p-value, and Δ in deviations of the permutations."""

    value: float
    low: float
    high: float
    p_value: float
    deviations: float


class MembershipTest:
    """The test for one set of members and one of non-members, of as many rows [m, f], m ≥ 2."""

    def __init__(self, members: Rows, others: Rows, *, seed: int) -> None:
        if len(members) != len(others) or len(members) < 2:
            raise ValueError(
                f"a membership test compares two sets of one size, at least 2; these have "
                f"{len(members):,} and {len(others):,} rows"
            )
        self._num, self._points, self._seed = len(members), np.concatenate([members, others]), seed
        stream = np.random.RandomState(seed)
        self._width = _median_distance(self._points, stream)
        self._is_member = _swapped(self._num, stream)
        self._sums, self._own_sums = self._own_terms()

    def of(self, samples: Rows) -> Membership:
        """Δ of samples [n, f], n ≥ 1."""
        across, of_samples = np.zeros(2 * self._num), np.zeros(len(samples))
        members, others = self._sides
        for rows in _blocks(0, len(samples)):
            kernel = self._kernel(samples[rows], self._points)
            across += kernel.sum(axis=0) / len(samples)
            of_samples[rows] = kernel[:, members].mean(axis=1) - kernel[:, others].mean(axis=1)
        witness = 2 * across - self._sums / (self._num - 1)
        of_members = [each @ witness for each in np.array_split(self._is_member, _PARTS)]
        swapped = (2 * np.concatenate(of_members) - witness.sum()) / self._num
        value, deviation = float(swapped[0]), float(swapped[1:].std())
        moved = 2 * (across - self._own_sums / (self._num - 1))
        below, above = self._spread([moved[members], -moved[others], 2 * of_samples])
        return Membership(
            value=value,
            low=value + below,
            high=value + above,
            # The first row is Δ itself, hence the 1 in the formula.
            p_value=float(np.mean(swapped >= value - _ROUND_OFF)),
            deviations=value / deviation if deviation else 0.0,
        )

    def _spread(self, shares: list[Rows]) -> tuple[float, float]:
        """How far the sum of the three means goes below and above its value."""
        moved = np.zeros(1)
        for number, values in enumerate(shares):
            moved = moved + _moved(values, 3 * self._seed + number)
        return spread(moved.tolist())

    def _own_terms(self) -> tuple[Rows, Rows]:
        """Row sums of k without the diagonal: over both sets, and over a row's own, [2m] each."""
        sums, own_sums = np.zeros(2 * self._num), np.zeros(2 * self._num)
        for side in self._sides:
            for rows in _blocks(side.start, side.stop):
                kernel = self._kernel(self._points[rows], self._points)
                kernel[np.arange(len(kernel)), np.arange(rows.start, rows.stop)] = 0.0
                sums[rows] = kernel.sum(axis=1)
                own_sums[rows] = kernel[:, side].sum(axis=1)
        return sums, own_sums

    @property
    def _sides(self) -> tuple[slice, slice]:
        return slice(0, self._num), slice(self._num, 2 * self._num)

    def _kernel(self, x: Rows, y: Rows) -> Rows:
        """k of rows [a, f] and [b, f]: [a, b]."""
        squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
        np.maximum(squares, 0, out=squares)
        squares /= -2 * self._width**2
        wide = np.exp(squares, out=squares)
        half = _fourth_power(wide)
        return np.asarray((wide + half + _fourth_power(half)) / 3)


def _fourth_power(values: Rows) -> Rows:
    return np.asarray(np.square(np.square(values)))  # ten times as fast as `**`


def _blocks(start: int, stop: int) -> list[slice]:
    return [slice(first, min(first + _ROWS, stop)) for first in range(start, stop, _ROWS)]


def _median_distance(points: Rows, stream: np.random.RandomState) -> float:
    """The median distance of two of the points, of at most a thousand; 1 if most are equal."""
    some = points[stream.permutation(len(points))[:_FOR_MEDIAN]]
    squares = (some**2).sum(axis=1)[:, None] + (some**2).sum(axis=1) - 2 * some @ some.T
    upper = squares[np.triu_indices(len(some), k=1)]
    found = float(np.sqrt(max(np.median(upper), 0.0)))
    return found or 1.0


def _swapped(num: int, stream: np.random.RandomState) -> NDArray[np.bool_]:
    """Who is a member: [1 + permutations, 2m], m of each; the first row is as it is."""
    found = np.zeros((1 + NUM_PERMUTATIONS, 2 * num), np.bool_)
    found[0, :num] = True
    for row in found[1:]:
        row[stream.permutation(2 * num)[:num]] = True
    return found


def _moved(values: Rows, seed: int) -> Rows:
    """By how much each resample moves the mean of these values."""
    return np.array(resampled(lambda rows: float(values[rows].mean()), len(values), seed=seed))
