"""Drops pairs whose sample is nearer to a real picture, or to its mirror image, than honest ones are.

With d_1 ≤ d_2 ≤ … the Euclidean distances of x_0 to its nearest real pictures, the score is

    distance    d_1
    ratio       d_1 / d_2                          finds nothing where the reference has duplicates
    carlini     d_1 / (α · mean(d_1 … d_k))        α = 1/2, k = 50 (Carlini et al. 2023, Sec. 5.1)

The last two forgive smooth pictures, which are near everything. Pictures may be compared as means over areas
(`size`), which forgives noise, blur and JPEG, and without each channel's mean (`is_centred`), which forgives
brightness. A shift by two pixels hides a copy from all of them: `aligned` finds it. Views are the picture and
its mirror image; `turned` ones are all eight turns and mirror images of it and of its negative.
"""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pairgen.filters.filter import Filter, FittedFilter
from pairgen.filters.pictures import (
    Pictures,
    in_equal_blocks,
    mirrored,
    reduced,
    require_like,
    require_pictures,
)
from storage.records import PairBatch

if TYPE_CHECKING:
    from pairgen.filters.nearest_pictures import NearestPictures

Statistic = Literal["distance", "ratio", "carlini"]
Views = Literal["mirrored", "turned"]
Index = Literal["exact", "faiss"]
_ALPHA = 0.5
_LEAST = 1e-6  # of a distance that others are divided by


class PixelNN(Filter):
    """Low scores are bad: a pair is kept if its score is at least the threshold."""

    plugin = "pixel-nn"
    finds_copies = True
    needs_pictures = True
    added_later = {"views": "mirrored", "index": "exact"}

    statistic: Statistic = "carlini"  # how the score is made of distances, as above
    num_neighbours: int = Field(50, ge=2, le=1000)  # k, of `carlini`
    size: int | None = Field(
        None, ge=4
    )  # pixels a side of the means; null: the pictures as they are
    is_centred: bool = False  # leave out each channel's mean
    views: Views = "mirrored"  # in which a real picture is compared, as above
    # How neighbours are found: over everything, or, from a million pictures on, by an index of faiss's.
    index: Index = "exact"

    def fit(self, reference: NDArray[Any]) -> "FittedPixelNN":
        """The filter against real pictures [m, c, h, w], m ≥ 2."""
        pictures = require_pictures(reference, self.plugin)
        if len(pictures) < 2:
            raise ValueError("'pixel-nn' compares distances to two real pictures; there is one")
        return FittedPixelNN(self, pictures)

    @property
    def num_distances(self) -> int:
        """How many nearest pictures the score needs."""
        return {"distance": 1, "ratio": 2, "carlini": self.num_neighbours}[self.statistic]

    def views_of(self, pictures: Pictures) -> list[Pictures]:
        """Pictures [n, c, h, w] and what else counts as them, each of that shape.

        Of those that aren't square the quarter turns are left out.
        """
        if self.views == "mirrored":
            return [pictures, mirrored(pictures)]
        turns = range(4) if pictures.shape[2] == pictures.shape[3] else (0, 2)
        turned = [np.rot90(pictures, num, axes=(2, 3)) for num in turns]
        both = [view for each in turned for view in (each, each[..., ::-1])]
        return [np.ascontiguousarray(sign * view) for view in both for sign in (1, -1)]

    def seen(self, pictures: Pictures) -> Pictures:
        """Pictures [n, c, h, w] as they are compared."""
        is_reduced = self.size is not None and self.size < min(pictures.shape[2:])
        if not (is_reduced or self.is_centred):
            return pictures
        return in_equal_blocks(self._seen, pictures)

    def _seen(self, pictures: Pictures) -> Pictures:
        if self.size is not None and self.size < min(pictures.shape[2:]):
            pictures = reduced(pictures, self.size)
        if self.is_centred:
            pictures = pictures - pictures.mean(axis=(2, 3), keepdims=True, dtype=np.float32)
        return pictures


class FittedPixelNN(FittedFilter):
    """Holds the reference as it is compared."""

    def __init__(self, chosen: PixelNN, pictures: Pictures) -> None:
        self._chosen, self._shape = chosen, pictures.shape[1:]
        self._nearest = _search(chosen, chosen.seen(pictures))

    def score(self, pairs: PairBatch) -> NDArray[np.float64]:
        """The chosen statistic of each x_0, float64 [n]; distances are in x_0's units times √(c · h · w)."""
        pictures = self._chosen.seen(require_like(pairs.x_0, self._shape))
        views = self._chosen.views_of(pictures)
        found = self._nearest.distances(views, self._chosen.num_distances)
        return _statistic(found, self._chosen.statistic)

    def nearest(self, pairs: PairBatch) -> NDArray[np.int64]:
        """The row of the nearest real picture, as pictures are compared, int64 [n]."""
        pictures = self._chosen.seen(require_like(pairs.x_0, self._shape))
        return self._nearest.rows(self._chosen.views_of(pictures))


def _search(chosen: PixelNN, seen: Pictures) -> "NearestPictures":
    """What searches the pictures as they are compared. It imports torch: recipes name filters without it."""
    if chosen.index == "faiss":
        from pairgen.filters.indexed_pictures import IndexedPictures

        return IndexedPictures(seen)
    from pairgen.filters.nearest_pictures import NearestPictures

    return NearestPictures(seen)


def _statistic(distances: NDArray[np.float64], statistic: Statistic) -> NDArray[np.float64]:
    """Scores [n] of ascending distances [n, k]."""
    nearest = distances[:, 0]
    if statistic == "distance":
        return nearest
    usual = distances[:, 1] if statistic == "ratio" else _ALPHA * distances.mean(axis=1)
    return nearest / np.maximum(usual, _LEAST)
