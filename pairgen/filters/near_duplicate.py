"""Drops pictures that a set holds already, nearly: of each such group the lowest index stays.

    score_i = min over candidates j < i of rmse(x_i, x_j),      2, the largest of −1 … 1, without a candidate

A candidate has equal bytes, or a perceptual hash within `distance` bits of the picture's or its mirror
image's (perceptual_hash.py); the pixels decide (pixel_distances.py). Of a chain, in which each picture is
near the one before it, only the first stays. Generated pictures are compared with each other here, and not
with real ones, so it keeps a student from seeing one picture again and again and finds no copy of the data.
"""

import hashlib
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pairgen.filters.filter import Scores
from pairgen.filters.hash_candidates import near_hashes
from pairgen.filters.perceptual_hash import Hashes, perceptual_hashes
from pairgen.filters.pixel_distances import PlacedPictures, Rows
from pairgen.filters.set_filter import (
    FittedSetFilter,
    PairShards,
    SetFilter,
    each_shard,
    in_shards,
)
from storage.records import PairBatch

LARGEST = 2.0
_MAX_CANDIDATES = 2**22  # in memory at a time, 64 MB; more are compared in several goes


class NearDuplicate(SetFilter):
    """Low scores are bad: such a picture is nearly one with a lower index."""

    plugin: ClassVar[str] = "near-duplicate"
    needs_pictures: ClassVar[bool] = True
    needs_reference: ClassVar[bool] = False
    finds_duplicates: ClassVar[bool] = True
    num_readings: ClassVar[int] = 2

    distance: int = Field(4, ge=0, le=12)  # bits in which hashes of candidates may differ
    # No threshold above this is calibrated. Two copies of one picture with noise of .05, of values in 0 … 1,
    # are .14 apart, and 1 % of CIFAR-10's real test pictures are within .15 of one of 50,000.
    largest: float = Field(0.15, gt=0, le=LARGEST)

    def fit(self, reference: NDArray[Any]) -> "FittedNearDuplicate":
        """The filter; it looks at no real sample."""
        return FittedNearDuplicate(self.distance)

    def calibrate(self, scores: NDArray[np.float64], fpr: float) -> float:
        """The threshold that drops at most the share `fpr` of real pictures, at most `largest`.

        The rate is that of a set of as many pictures as were held out; in a larger one more are alike.
        """
        return min(super().calibrate(scores, fpr), self.largest)


class _Looks(NamedTuple):
    """What is kept of each picture, in the order of reading."""

    place: Rows  # [n] its index
    shard: Rows  # [n]
    row: Rows  # [n] in its shard
    content: NDArray[np.uint64]  # [n, 2] a digest of its bytes
    own: Hashes  # [n]
    mirrored: Hashes  # [n]

    def take(self, places: Rows) -> "_Looks":
        """Those at some places."""
        taken: list[Any] = [each[places] for each in self]
        return _Looks(*taken)


class FittedNearDuplicate(FittedSetFilter):
    """Finds for each picture the nearest before it."""

    def __init__(self, distance: int) -> None:
        self._distance = distance

    def score_all(self, shards: PairShards) -> list[Scores]:
        """The distance to the nearest candidate with a lower index, for every shard float64 [n]."""
        parts: list[_Looks] = []
        shape: tuple[int, ...] = ()
        for number, pairs in enumerate(each_shard(shards)):
            parts.append(_look(number, pairs))
            shape = pairs.x_0.shape[1:]
        lengths = [len(part.place) for part in parts]
        joined: list[Any] = [np.concatenate(each) for each in zip(*parts, strict=True)]
        looks = _Looks(*joined)
        order = np.argsort(looks.place, kind="stable")
        scores = np.zeros(len(order))  # of pictures whose bytes were there before
        if len(order):
            new = np.sort(np.unique(looks.content[order], axis=0, return_index=True)[1])
            own = looks.take(order[new])
            pictures = PlacedPictures(shards, shape, own.shard, own.row)
            scores[order[new]] = self._nearest(pictures, own)
        return in_shards(scores, lengths)

    def _nearest(self, pictures: PlacedPictures, looks: _Looks) -> NDArray[np.float64]:
        """Of pictures [n] with different bytes, by rising index."""
        nearest = np.full(len(looks.place), LARGEST)
        held: list[tuple[Rows, Rows]] = []
        for queries in (looks.own, looks.mirrored):
            for found in near_hashes(queries, looks.own, distance=self._distance):
                held.append(found)
                if sum(len(i) for i, _ in held) > _MAX_CANDIDATES:
                    _lower(nearest, pictures, held)
                    held = []
        _lower(nearest, pictures, held)
        return nearest


def _look(shard: int, pairs: PairBatch) -> _Looks:
    x_0 = np.ascontiguousarray(pairs.x_0)
    digests = [hashlib.blake2b(picture.data, digest_size=16).digest() for picture in x_0]
    content = np.frombuffer(b"".join(digests), np.uint64).reshape(len(x_0), 2)
    rows = np.arange(len(x_0))
    return _Looks(pairs.index, np.full(len(x_0), shard), rows, content, *perceptual_hashes(x_0))


def _lower(
    nearest: NDArray[np.float64], pictures: PlacedPictures, held: list[tuple[Rows, Rows]]
) -> None:
    """Take these candidates (i, j) into account."""
    i, j = (np.concatenate(each) for each in zip(*held, strict=True)) if held else (_NONE, _NONE)
    np.minimum.at(nearest, i, pictures.rmse(i, j))


_NONE = np.empty(0, np.int64)
