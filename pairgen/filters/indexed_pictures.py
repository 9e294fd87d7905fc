"""The k nearest of a very large reference: candidates from an index of faiss's, scored again exactly.

    candidates = the nearest by 8-bit codes in the nearest cells of k-means;   d = ‖x − candidate‖

A search over everything costs n · m · d. With an inverted file (Sivic and Zisserman 2003; Johnson et
al. 2017) a query looks at a few cells of the reference. A copy is far nearer to its source than cells
are wide, so it is found; of k = 50 neighbours some that aren't copies may be missed, in calibration and
in judging alike. Which ones depends on k-means, whose last digits depend on the processor: scores are the
same in any batch and at any time on one kind of processor, and on another kind some may differ.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairgen.filters.nearest_pictures import QUERIES, NearestPictures
from pairgen.filters.pictures import Pictures

LEAST_REFERENCE = 1_000_000  # pictures; below that a search over everything is affordable
_CELLS = 4  # times the root of the number of pictures
_CELLS_SEEN = 32
_ROUNDS = 10  # of k-means
_LEARNED_FROM = 40  # pictures a cell
_MORE = 4  # candidates a wanted neighbour
_ADDED = 2**16  # pictures at once


class IndexedPictures(NearestPictures):
    """A reference [m, d] of a million pictures and more."""

    def __init__(self, reference: Pictures) -> None:
        """`reference` [m, c, h, w]; the index takes a byte a value beside it.

        Raises a ValueError for a smaller reference, and without faiss.
        """
        super().__init__(reference)
        self._index = _built(self._reference.numpy())

    def _block(self, views: list[Tensor], k: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        found = [self._index.search(each.numpy(), max(_MORE * k, 8))[1] for each in views]
        candidates = np.concatenate(found, axis=1)
        squares, place = np.empty((QUERIES, k)), np.empty((QUERIES, k), np.int64)
        lacking = []
        for row in range(QUERIES):
            own = np.unique(candidates[row])
            own = own[own >= 0]  # -1 stands for none
            if len(own) < k:
                lacking.append(row)
                continue
            squares[row], place[row] = self._scored([each[row] for each in views], own, k)
        if lacking:  # these alone, so that no picture depends on what is beside it
            over_all = super()._block(views, k)
            squares[lacking], place[lacking] = (each[lacking] for each in over_all)
        return squares, place

    def _scored(
        self, views: list[Tensor], candidates: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Squared distances [k] to the nearest of the candidates, from differences, and their rows."""
        near = self._reference[torch.from_numpy(candidates)]
        squares = torch.stack([((each - near) ** 2).sum(1, dtype=torch.float64) for each in views])
        best, order = squares.amin(0).sort(stable=True)
        return best[:k].numpy(), candidates[order[:k].numpy()]


def _built(rows: NDArray[np.float32]) -> Any:
    """faiss's index of rows [m, d], trained on evenly spaced ones by one thread."""
    faiss = _faiss()
    num, num_values = rows.shape
    if num < LEAST_REFERENCE:
        raise ValueError(
            f"index 'faiss' is for {LEAST_REFERENCE:,} real pictures and more, and there are {num:,}; "
            "leave `index` out: the search over all of them is exact"
        )
    num_cells = _CELLS * math.isqrt(num)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        cells = faiss.IndexFlatL2(num_values)
        codes = faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexIVFScalarQuantizer(cells, num_values, num_cells, codes)
        index.cp.niter = _ROUNDS
        index.train(np.ascontiguousarray(rows[:: max(1, num // (_LEARNED_FROM * num_cells))]))
    finally:
        faiss.omp_set_num_threads(threads)
    for first in range(0, num, _ADDED):
        index.add(np.ascontiguousarray(rows[first : first + _ADDED]))
    index.nprobe = _CELLS_SEEN
    return index


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise ValueError(
            "index 'faiss' needs the package faiss-cpu; install it with pip install 'kdm-offline[faiss]'"
        ) from error
    return faiss
