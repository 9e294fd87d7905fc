"""Drops pairs whose sample is a real picture that was shifted, turned, scaled, mirrored or partly covered.

Distances between pixels miss all of these, though the nearest pictures are often the right ones. So the real
pictures with the most similar descriptors (crop_descriptors.py), and their mirror images, are registered onto
x_0 (registration.py):

    score = max over k candidates and both views of the trimmed correlation ρ, −1 … 1

A candidate whose descriptor's similarity is below `gate` isn't registered and counts as −1. What ρ misses,
noise and JPEG on pictures of little contrast, `pixel-nn` finds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pairgen.filters.filter import Filter, FittedFilter
from pairgen.filters.pictures import (
    Pictures,
    as_bytes,
    as_numbers,
    mirrored,
    require_like,
    require_pictures,
)
from storage.records import PairBatch

_REGISTERED_TOGETHER = 128  # always so many, so that no result depends on the others
_NOTHING_ALIKE = -1.0


class Aligned(Filter):
    """High scores are bad: a pair is kept if its score is at most the threshold."""

    plugin = "aligned"
    finds_copies = True
    drops = "high"
    needs_pictures = True

    num_candidates: int = Field(4, ge=1, le=100)  # k
    gate: float = Field(0.75, ge=-1, le=1)

    def fit(self, reference: NDArray[Any]) -> "FittedAligned":
        """The filter against real pictures [m, c, h, w], m ≥ 1."""
        return FittedAligned(self, as_bytes(require_pictures(reference, self.plugin)))


class FittedAligned(FittedFilter):
    """Holds the reference as bytes, and descriptors of its crops: four times as much."""

    def __init__(self, chosen: Aligned, stored: NDArray[np.uint8]) -> None:
        from pairgen.filters.crop_descriptors import CropDescriptors  # torch: recipes name filters

        self._chosen, self._stored = chosen, stored
        self._descriptors = CropDescriptors(stored)

    def score(self, pairs: PairBatch) -> NDArray[np.float64]:
        """The largest correlation of each x_0, float64 [n]."""
        from pairgen.filters.crop_descriptors import QUERIES

        pictures = require_like(pairs.x_0, self._stored.shape[1:])
        blocks = (pictures[first : first + QUERIES] for first in range(0, len(pictures), QUERIES))
        return np.concatenate([np.empty(0), *(self._scored(each) for each in blocks)])

    def _scored(self, pictures: Pictures) -> NDArray[np.float64]:
        candidates = self._descriptors.candidates(pictures, self._chosen.num_candidates)
        query, rank = np.nonzero(candidates.similarity >= self._chosen.gate)
        place = candidates.place[query, rank]
        scores = np.full(len(pictures), _NOTHING_ALIKE)
        for first in range(0, len(query), _REGISTERED_TOGETHER):
            part = slice(first, first + _REGISTERED_TOGETHER)
            real = as_numbers(self._stored[place[part]])
            for view in (real, mirrored(real)):
                np.maximum.at(scores, query[part], _alikeness(pictures[query[part]], view))
        return scores


def _alikeness(pictures: Pictures, real: Pictures) -> NDArray[np.float64]:
    """Trimmed correlations [n] of pictures [n ≤ 128, c, h, w] with real ones [n, c, h, w]."""
    import torch

    from pairgen.filters.registration import alikeness

    def padded(some: Pictures) -> torch.Tensor:
        all_of_them = np.zeros((_REGISTERED_TOGETHER, *some.shape[1:]), np.float32)
        all_of_them[: len(some)] = some
        return torch.from_numpy(all_of_them)

    found = alikeness(padded(pictures), padded(real))[: len(pictures)]
    return np.asarray(found.double().numpy())
