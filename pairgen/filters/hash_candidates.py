"""Pairs of 64-bit hashes that differ in few bits, without comparing all: by bands (pigeonhole principle).

Two hashes that differ in at most k bits agree in at least one of k + 1 bands. So only hashes with an equal
band are compared, and a pair is given at the first band in which it agrees.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pairgen.filters.perceptual_hash import NUM_BITS, Hashes

_CHUNK = 2**20  # comparisons at a time, 50 MB
Rows = NDArray[np.int64]


def near_hashes(queries: Hashes, hashes: Hashes, *, distance: int) -> Iterator[tuple[Rows, Rows]]:
    """Chunks of all (i, j), j < i, in which queries[i] and hashes[j] of [n] differ in few enough bits."""
    bands = _bands(distance + 1)
    for number, band in enumerate(bands):
        for i, j in _equal_in(band, queries, hashes):
            apart = queries[i] ^ hashes[j]
            is_near = np.bitwise_count(apart) <= distance
            for earlier in bands[:number]:
                is_near &= (apart & earlier) != 0
            yield i[is_near], j[is_near]


def _bands(count: int) -> list[np.uint64]:
    """Masks of so many runs of bits that cover all 64, of nearly equal length."""
    edges = [NUM_BITS * number // count for number in range(count + 1)]
    return [np.uint64((1 << end) - (1 << start)) for start, end in pairwise(edges)]


def _equal_in(band: np.uint64, queries: Hashes, hashes: Hashes) -> Iterator[tuple[Rows, Rows]]:
    """Chunks of all (i, j), j < i, that agree in a band."""
    count = len(hashes)
    values, groups = np.unique(hashes & band, return_inverse=True)
    asked = queries & band
    group = np.searchsorted(values, asked).clip(max=len(values) - 1)
    # Sorted by group and then by place, so that the j < i of a group lie side by side.
    placed = np.sort(groups * count + np.arange(count))
    first = np.searchsorted(placed, group * count)
    numbers = np.searchsorted(placed, group * count + np.arange(count)) - first
    numbers[values[group] != asked] = 0
    ends = np.cumsum(numbers)
    start = 0
    while start < count:
        done = int(ends[start] - numbers[start])
        end = max(start + 1, int(np.searchsorted(ends, done + _CHUNK, side="right")))
        some = numbers[start:end]
        i = np.repeat(np.arange(start, end), some)
        within = np.arange(done, done + len(i)) - np.repeat(ends[start:end] - some, some)
        yield i, placed[np.repeat(first[start:end], some) + within] % count
        start = end
