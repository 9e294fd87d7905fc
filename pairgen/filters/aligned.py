"""Drops pairs whose sample is a real picture that was shifted, turned, scaled, mirrored or partly covered.

Distances between pixels miss all of these, though the nearest pictures are often the right ones. So the real
pictures with the most similar descriptors (crop_descriptors.py), and their mirror images, are registered onto
x_0 (registration.py):

    score = max over k candidates and both views of the trimmed correlation ρ, −1 … 1

A candidate whose descriptor's similarity is below `gate` isn't registered and counts as −1; one whose ρ of
half-size pictures is below 0.9 counts as that. What ρ misses, noise and JPEG on pictures of little contrast,
`pixel-nn` finds.
"""

from copy import copy
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from torch import Tensor

_REGISTERED_TOGETHER = 128  # always so many, so that no result depends on the others
_NOTHING_ALIKE = -1.0
# Of honest pictures of CIFAR-10 one candidate in eight has a larger coarse ρ. So have 99 of 100 copies under
# every transform but grey (0.88) that planted/transforms.py lists.
_PROMISING = 0.9


class Aligned(Filter):
    """High scores are bad: a pair is kept if its score is at most the threshold."""

    plugin = "aligned"
    finds_copies = True
    drops = "high"
    needs_pictures = True
    can_leave_out = True

    num_candidates: int = Field(4, ge=1, le=100)  # k
    # Least similarity of descriptors, −1 … 1, of a candidate.
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

    def without(self, rows: NDArray[np.int64]) -> "FittedAligned":
        """Without these rows of the reference; descriptors take longest to compute."""
        left = copy(self)
        left._stored = np.delete(self._stored, rows, axis=0)
        left._descriptors = self._descriptors.without(rows)
        return left

    def score(self, pairs: PairBatch) -> NDArray[np.float64]:
        """The largest correlation of each x_0, float64 [n]."""
        scores, _ = self._best(pairs)
        return scores

    def nearest(self, pairs: PairBatch) -> NDArray[np.int64]:
        """The row of the real picture with that correlation, int64 [n]; −1 if none was registered."""
        _, rows = self._best(pairs)
        return rows

    def _best(self, pairs: PairBatch) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The largest correlation of each x_0, and with which row of the reference, both [n]."""
        from pairgen.filters.crop_descriptors import QUERIES

        pictures = require_like(pairs.x_0, self._stored.shape[1:])
        blocks = [pictures[first : first + QUERIES] for first in range(0, len(pictures), QUERIES)]
        none = np.empty(0), np.empty(0, np.int64)
        scores, rows = zip(none, *map(self._best_of_block, blocks), strict=True)
        return np.concatenate(scores), np.concatenate(rows)

    def _best_of_block(self, pictures: Pictures) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        candidates = self._descriptors.candidates(pictures, self._chosen.num_candidates)
        query, rank = np.nonzero(candidates.similarity >= self._chosen.gate)
        place = candidates.place[query, rank]
        real = as_numbers(self._stored[place])
        views = [_alikeness(pictures[query], view) for view in (real, mirrored(real))]
        found = np.maximum(*views)
        scores, rows = np.full(len(pictures), _NOTHING_ALIKE), np.full(len(pictures), -1)
        order = np.argsort(found, kind="stable")  # of each query the best comes last, and stays
        scores[query[order]], rows[query[order]] = found[order], place[order]
        return np.maximum(scores, _NOTHING_ALIKE), rows


def _alikeness(pictures: Pictures, real: Pictures) -> NDArray[np.float64]:
    """Trimmed correlations [n] of pictures with real ones, both [n, c, h, w]; coarse ones of unlike pairs."""
    import torch

    from pairgen.filters.registration import coarse, fine

    found, place = np.empty(len(pictures)), np.empty((len(pictures), 4), np.float32)
    for rows in _together(np.arange(len(pictures))):
        p, ρ = coarse(_padded(pictures[rows]), _padded(real[rows]))
        found[rows], place[rows] = ρ[: len(rows)].double().numpy(), p[: len(rows)].numpy()
    for rows in _together(np.flatnonzero(found >= _PROMISING)):
        start = torch.zeros(_REGISTERED_TOGETHER, 4)
        start[: len(rows)] = torch.from_numpy(place[rows])
        ρ = fine(_padded(pictures[rows]), _padded(real[rows]), start)
        found[rows] = ρ[: len(rows)].double().numpy()
    return found


def _together(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """As many rows at a time as are registered together."""
    return [
        rows[first : first + _REGISTERED_TOGETHER]
        for first in range(0, len(rows), _REGISTERED_TOGETHER)
    ]


def _padded(pictures: Pictures) -> "Tensor":
    """Pictures [n ≤ 128, c, h, w] as [128, c, h, w], the last ones 0."""
    import torch

    padded = np.zeros((_REGISTERED_TOGETHER, *pictures.shape[1:]), np.float32)
    padded[: len(pictures)] = pictures
    return torch.from_numpy(padded)
