"""The k nearest of a reference to each picture or its mirror image: exact, by products of matrices.

    d²(a, b) = ‖a‖² + ‖b‖² − 2 aᵀb,      d(x, b) = min over the views v of x of d(v(x), b)

All distances come from one product in float32 for a block of queries and a block of the reference; the two
nearest are then computed again from the difference a − b in float64, so that a copy has exactly 0. Queries
are padded to blocks of one size: a picture's distances don't depend on what it is computed beside.

N. Carlini et al. 2023, "Extracting Training Data from Diffusion Models", take k = 50, and no mirror image.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairgen.filters.pictures import Pictures

QUERIES = 256  # a block's queries; each has as many rows as views
_REFERENCE_ROWS = 16384  # a block's reference: 16384 · 512 · 4 bytes are 32 MiB of products
_NUM_EXACT = 2


class NearestPictures:
    """A reference [m, d] that is searched."""

    def __init__(self, reference: Pictures) -> None:
        """`reference` [m, c, h, w], not copied if it is float32 in one piece."""
        flat = reference.reshape(len(reference), -1)
        self._reference = _shared(flat)
        self._squares = torch.from_numpy(
            np.einsum("ij,ij->i", flat, flat, dtype=np.float64)
        ).float()

    def distances(self, views: Sequence[Pictures], k: int) -> NDArray[np.float64]:
        """Euclidean distances to the nearest min(k, m) reference pictures, ascending, float64 [n, min(k, m)].

        `views` are pictures [n, c, h, w] and what else counts as them, with equal norms.
        """
        k = min(k, len(self._reference))
        num = len(views[0])
        found = np.empty((num, k))
        for first in range(0, num, QUERIES):
            block = [_padded(each[first : first + QUERIES]) for each in views]
            squares = np.sort(self._block(block, k)[0], axis=1)
            found[first : first + QUERIES] = np.sqrt(squares)[: num - first]
        return found

    def rows(self, views: Sequence[Pictures]) -> NDArray[np.int64]:
        """The row of the nearest reference picture, int64 [n]."""
        num = len(views[0])
        found = np.empty(num, np.int64)
        for first in range(0, num, QUERIES):
            block = [_padded(each[first : first + QUERIES]) for each in views]
            squares, place = self._block(block, min(_NUM_EXACT, len(self._reference)))
            nearest = np.take_along_axis(place, squares.argmin(axis=1)[:, None], axis=1)[:, 0]
            found[first : first + QUERIES] = nearest[: num - first]
        return found

    def _block(self, views: list[Tensor], k: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Squared distances [QUERIES, k] of rows [QUERIES, d] a view, unsorted, and whose they are."""
        own = (views[0] ** 2).sum(1)
        rows = torch.cat(views)
        best = torch.empty(QUERIES, 0)
        place = torch.empty(QUERIES, 0, dtype=torch.int64)
        for first in range(0, len(self._reference), _REFERENCE_ROWS):
            part = slice(first, first + _REFERENCE_ROWS)
            products = (rows @ self._reference[part].T).view(len(views), QUERIES, -1)
            nearness = self._squares[part] - 2 * products.amax(0)
            some, where = nearness.topk(min(k, nearness.shape[1]), largest=False)
            both = torch.cat([best, some], 1)
            best, order = both.topk(min(k, both.shape[1]), largest=False)
            place = torch.cat([place, where + first], 1).gather(1, order)
        squares = (best + own[:, None]).clamp(min=0).double().numpy()
        exact = self._exact(views, place[:, :_NUM_EXACT])
        squares[:, : exact.shape[1]] = exact
        return squares, place.numpy()

    def _exact(self, views: list[Tensor], place: Tensor) -> NDArray[np.float64]:
        """Squared distances [QUERIES, p] to the reference pictures at `place` [QUERIES, p], in float64."""
        near = self._reference[place].double()  # [QUERIES, p, d]
        squares = [((each.double()[:, None] - near) ** 2).sum(2) for each in views]
        return np.asarray(torch.stack(squares).amin(0).numpy(), np.float64)


def _shared(flat: NDArray[np.float32]) -> Tensor:
    """The same memory as a tensor, which is only read: a filter's reference can't be written to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(flat)


def _padded(pictures: Pictures) -> Tensor:
    """Pictures [n ≤ QUERIES, c, h, w] as rows [QUERIES, d], the last ones 0."""
    rows = torch.zeros(QUERIES, int(np.prod(pictures.shape[1:])))
    rows[: len(pictures)] = _shared(pictures.reshape(len(pictures), -1))
    return rows
