"""Which real pictures may show the same scene: nearest descriptors of crops.

A descriptor is a picture as 8 × 8 means without each channel's mean and with norm 1, so that brightness and
contrast don't count; ⟨f, g⟩ of two of them says how alike they are. A copy that shows a part of a real
picture resembles a crop of that, and a shifted one agrees with it in the middle. So compared are

    the whole of x_0 and its mirror image    with the whole of each real picture, and its crops of 7/8 and 3/4
    the middle 3/4 of both                   with crops of 3/4
"""

from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pairgen.filters.pictures import Pictures, as_numbers, in_equal_blocks, mirrored, reduced

_SIZE = 8  # of a descriptor
_LEAST = 1e-3  # of a norm: a picture of one colour resembles nothing
_ROWS = 8192  # of the reference at a time
QUERIES = 64


class Crop(NamedTuple):
    """A window of a picture: from row and column, with this height and width."""

    row: int
    column: int
    height: int
    width: int

    def of(self, pictures: Pictures) -> Pictures:
        """That part of [n, c, h, w]."""
        rows = slice(self.row, self.row + self.height)
        return pictures[:, :, rows, self.column : self.column + self.width]


@dataclass(frozen=True)
class Candidates:
    """For each of n queries the k most similar real pictures, best first: both arrays are [n, k]."""

    place: NDArray[np.int64]
    similarity: NDArray[np.float32]


class CropDescriptors:
    """Descriptors of a reference's crops, float16 [views, m, d]."""

    def __init__(self, stored: NDArray[np.uint8]) -> None:
        """`stored` [m, c, h, w], pictures as bytes."""
        h, w = stored.shape[2:]
        self._middle = _crops(h, w, 3 / 4, steps=3)[4]
        small = _crops(h, w, 3 / 4, steps=3)
        large = [Crop(0, 0, h, w), *_crops(h, w, 7 / 8, steps=2), _crops(h, w, 7 / 8, steps=3)[4]]
        self._num_large = len(large)
        self._views = torch.stack(
            [
                torch.cat([_described(crop.of(each)).half() for each in _in_numbers(stored)])
                for crop in [*large, *small]
            ]
        )

    def without(self, rows: NDArray[np.int64]) -> "CropDescriptors":
        """Without those of these pictures."""
        stays = torch.ones(self._views.shape[1], dtype=torch.bool)
        stays[torch.from_numpy(np.array(rows))] = False
        left = copy(self)
        left._views = self._views[:, stays]
        return left

    def candidates(self, pictures: Pictures, k: int) -> Candidates:
        """The min(k, m) real pictures that each of [n ≤ QUERIES, c, h, w] may be a copy of."""
        k = min(k, self._views.shape[1])
        whole, middle = (
            _padded(
                torch.cat([_described(crop.of(each)) for each in (pictures, mirrored(pictures))])
            )
            for crop in (Crop(0, 0, *pictures.shape[2:]), self._middle)
        )
        best, place = torch.empty(QUERIES, 0), torch.empty(QUERIES, 0, dtype=torch.int64)
        for first in range(0, self._views.shape[1], _ROWS):
            found = self._most_alike(whole, middle, slice(first, first + _ROWS))
            some, where = found.topk(min(k, found.shape[1]))
            both = torch.cat([best, some], 1)
            best, order = both.topk(min(k, both.shape[1]))
            place = torch.cat([place, where + first], 1).gather(1, order)
        num = len(pictures)
        return Candidates(place[:num].numpy(), best[:num].numpy())

    def _most_alike(self, whole: Tensor, middle: Tensor, rows: slice) -> Tensor:
        """The largest similarity over all views [QUERIES, rows]; both descriptors are [2 · QUERIES, d]."""
        found = torch.full((QUERIES, 1), -torch.inf)
        for number, view in enumerate(self._views[:, rows]):
            queries = whole if number < self._num_large else torch.cat([whole, middle])
            alike = queries @ view.float().T
            found = torch.maximum(found, alike.view(-1, QUERIES, alike.shape[1]).amax(0))
        return found


def _crops(h: int, w: int, share: float, *, steps: int) -> list[Crop]:
    """steps² crops of this share of the sides, from one corner to the other."""
    height, width = round(share * h), round(share * w)
    rows = np.linspace(0, h - height, steps).round().astype(int)
    columns = np.linspace(0, w - width, steps).round().astype(int)
    return [Crop(int(row), int(column), height, width) for row in rows for column in columns]


def _described(pictures: Pictures) -> Tensor:
    """Descriptors [n, c · 64] of pictures [n, c, h, w]."""
    return torch.from_numpy(in_equal_blocks(_normed, pictures).reshape(len(pictures), -1))


def _normed(pictures: Pictures) -> Pictures:
    """Descriptors as [n, c, 8, 8]."""
    means = reduced(pictures, _SIZE)
    flat = (means - means.mean(axis=(2, 3), keepdims=True)).reshape(len(means), -1)
    norms = np.sqrt(np.einsum("ij,ij->i", flat, flat))
    normed = flat / np.maximum(norms, _LEAST)[:, None]
    return np.asarray(normed.reshape(means.shape), np.float32)


def _padded(described: Tensor) -> Tensor:
    """Descriptors [2 · n, d] of n pictures and their mirror images as [2 · QUERIES, d]."""
    padded = torch.zeros(2, QUERIES, described.shape[1])
    padded[:, : len(described) // 2] = described.view(2, -1, described.shape[1])
    return padded.view(2 * QUERIES, -1)


def _in_numbers(stored: NDArray[np.uint8]) -> list[Pictures]:
    """Pictures -1 … 1, some thousands at a time."""
    return [as_numbers(stored[first : first + _ROWS]) for first in range(0, len(stored), _ROWS)]
