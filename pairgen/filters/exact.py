"""Drops pairs whose sample is a real picture, byte for byte, also mirrored.

    score = 1 if x_0, rounded to bytes, or its mirror image, is in the reference, else 0

The least that a filter can promise: it finds planted files and nothing that was changed by a single level of
grey. A held-out picture that is found isn't a false alarm but a duplicate, so its threshold is always 1/2.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.filter import Filter, FittedFilter
from pairgen.filters.pictures import as_bytes, mirrored, require_like, require_pictures
from storage.records import PairBatch


class Exact(Filter):
    """High scores are bad: a copy has 1."""

    plugin = "exact"
    finds_copies = True
    drops = "high"
    needs_pictures = True

    def fit(self, reference: NDArray[Any]) -> "FittedExact":
        """The filter against real pictures [m, c, h, w], m ≥ 1."""
        pictures = require_pictures(reference, self.plugin)
        names = _names(as_bytes(pictures))
        rows = dict(zip(reversed(names), reversed(range(len(names))), strict=True))
        return FittedExact(rows, pictures.shape[1:])

    def calibrate(self, scores: NDArray[np.float64], fpr: float) -> float:
        """Half way between equal and not, whatever real samples are."""
        return 0.5


class FittedExact(FittedFilter):
    """Holds a digest of every real picture, with the row of the first that has it."""

    def __init__(self, rows: Mapping[bytes, int], shape: tuple[int, ...]) -> None:
        self._rows, self._shape = rows, shape

    def score(self, pairs: PairBatch) -> NDArray[np.float64]:
        """1 or 0 for each x_0, float64 [n]."""
        return np.asarray(self.nearest(pairs) >= 0, np.float64)

    def nearest(self, pairs: PairBatch) -> NDArray[np.int64]:
        """The first equal picture's row, int64 [n]; −1 without one."""
        pictures = require_like(pairs.x_0, self._shape)
        views = (_names(as_bytes(each)) for each in (pictures, mirrored(pictures)))
        rows = [
            self._rows.get(one, self._rows.get(other, -1))
            for one, other in zip(*views, strict=True)
        ]
        return np.asarray(rows, np.int64)


def _names(stored: NDArray[np.uint8]) -> list[bytes]:
    """A digest of each of [n, c, h, w]."""
    return [blake2b(each.tobytes(), digest_size=16).digest() for each in stored]
