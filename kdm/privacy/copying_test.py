"""C_T, the data-copying test of Meehan, Chaudhuri and Dasgupta (2020, arXiv 2004.05675).

The space is cut into cells π by k-means on the training set. In each, the distances to the training set of
generated samples Q are compared with those of held-out real ones P by Mann and Whitney's U, as a z-score:

    U = #{(q, p): d(q) > d(p)} + ½ #{equal},   Z_π = (U − mn/2) / √(mn (m + n + 1) / 12)
    C_T = Σ_π P(π) Z_π / Σ_π P(π),   over cells with at least 20 samples of either

Far below 0 (−3, say) means that generated samples are nearer to the training set than real ones are:
they copy. Far above 0 means that they miss the data. Here d is the distance to the nearest sample of the
whole training set, in its own cell or not.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.privacy.real_samples import LEAST

NUM_CELLS = 10
_NUM_STEPS = 25  # of k-means
_MOST = 10_000  # training samples that place the cells
Rows = NDArray[np.float64]  # features [n, f]


class Copying(NamedTuple):
    """C_T, and how much it is based on."""

    value: float
    num_cells: int  # that hold enough of both
    share: float  # of the held-out samples that are in these


class Cells:
    """k cells around the means that k-means finds in the training set's features [m, f]."""

    def __init__(self, training: Rows, *, seed: int) -> None:
        stream = np.random.RandomState(seed)
        chosen = training[stream.permutation(len(training))[:_MOST]]
        self._centres = chosen[:NUM_CELLS].copy()  # Lloyd's steps begin at random samples
        for _ in range(_NUM_STEPS):
            cell = self.of(chosen)
            for each in np.unique(cell):
                self._centres[each] = chosen[cell == each].mean(axis=0)

    def of(self, points: Rows) -> NDArray[np.int64]:
        """The cell of each of [n, f]: that of the nearest centre."""
        squares = (self._centres**2).sum(axis=1) - 2 * points @ self._centres.T
        return np.asarray(squares.argmin(axis=1))


def copying(
    generated: tuple[NDArray[np.int64], Rows], real: tuple[NDArray[np.int64], Rows]
) -> Copying | None:
    """C_T of cells [m] and distances [m] of generated samples, and [n] and [n] of held-out ones.

    None if no cell holds enough of both.
    """
    total, num_real, num_cells = 0.0, 0, 0
    for each in np.unique(real[0]):
        of_generated, of_real = generated[1][generated[0] == each], real[1][real[0] == each]
        if min(len(of_generated), len(of_real)) < LEAST:  # the paper's τ = 20 / m
            continue
        total += len(of_real) * z_score(of_generated, of_real)
        num_real += len(of_real)
        num_cells += 1
    if not num_cells:
        return None
    return Copying(total / num_real, num_cells, num_real / len(real[0]))


def z_score(these: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Mann and Whitney's U of numbers [m] over [n] in its deviations; above 0 if `these` are larger."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, these, "left") + np.searchsorted(ordered, these, "right")
    num, m, n = below.sum() / 2, len(these), len(others)
    return float((num - m * n / 2) / math.sqrt(m * n * (m + n + 1) / 12))
