"""The nearest real sample of each sample: exact, over mirrored views, in blocks.

    d_1(x) = min_t min_v ‖v(x) − t‖ / √D,   x of [n, *shape], t of [m, *shape], D values a sample

So d_1 is the root mean square of the difference, in the samples' own unit; v is the identity or, of
pictures, the mirror image. The distance to the nearest training sample is the literature's first measure
of copying (Carlini et al. 2023, arXiv 2301.13188; 'DCR' of tabular data).

Up to 64 values a sample a k-d tree finds the nearest. Above, ‖x − t‖² = ‖x‖² + ‖t‖² − 2 xᵀt takes one
product in float32, whose error is below τ (‖x‖² + ‖t‖²) with τ = 8 ε √D (as in
kdm/metrics/squared_distances.py); what may be the nearest within that error is computed again from the
difference, in float64. So a copy is at exactly 0.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.privacy.mirrored_views import rows_of, views

_MAX_TREE_VALUES = 64  # in more dimensions a tree visits all it holds, one by one
_ROWS, _COLUMNS = 1_024, 2_048  # of a block of products: 8 MB
_AT_ONCE = 1_024  # differences computed again at a time
Found = tuple[NDArray[np.float64], NDArray[np.int64]]
Report = Callable[[int], None]  # how many samples were looked up since the last call


class Neighbours(NamedTuple):
    """For each of n samples the nearest real one."""

    distance: NDArray[np.float64]  # [n] d_1
    row: NDArray[np.int64]  # [n] of the reference
    is_mirrored: NDArray[np.bool_]  # [n] whether the mirrored sample is the one that is near


def nearest(samples: NDArray[Any], reference: NDArray[Any], report: Report) -> Neighbours:
    """The nearest of [m, *shape], m ≥ 1, for each of [n, *shape]; either may be bytes of pictures."""
    is_small = int(np.prod(samples.shape[1:])) <= _MAX_TREE_VALUES
    search = _tree_of(reference) if is_small else partial(_by_products, reference=reference)
    parts = [
        _of_views(samples[first : first + _ROWS], search, report)
        for first in range(0, len(samples), _ROWS)
    ]
    none = Neighbours(np.empty(0), np.empty(0, np.int64), np.empty(0, np.bool_))
    return Neighbours(*map(np.concatenate, zip(none, *parts, strict=True)))


def _of_views(
    samples: NDArray[Any], search: Callable[[NDArray[Any]], Found], report: Report
) -> Neighbours:
    """The nearest over all views of some samples; the picture as it is wins a tie."""
    found = [search(rows_of(view)) for view in views(samples)]
    distances = np.stack([distance for distance, _ in found])
    view = distances.argmin(axis=0)
    place = np.arange(len(samples))
    row = np.stack([row for _, row in found])[view, place]
    report(len(samples))
    num_values = max(int(np.prod(samples.shape[1:])), 1)
    return Neighbours(distances[view, place] / num_values**0.5, row, view == 1)


def _tree_of(reference: NDArray[Any]) -> Callable[[NDArray[Any]], Found]:
    """What looks up the distances [n] and rows [n] of points [n, d]."""
    from scipy.spatial import cKDTree  # half a second

    tree = cKDTree(rows_of(reference).astype(np.float64))

    def search(points: NDArray[Any]) -> Found:
        distance, row = tree.query(points.astype(np.float64))
        return np.asarray(distance, np.float64), np.asarray(row, np.int64)

    return search


def _by_products(points: NDArray[Any], reference: NDArray[Any]) -> Found:
    """Distances [n] and rows [n] of points [n, d]; equal ones give the first row."""
    points = np.asarray(points, np.float32)
    squares: NDArray[np.float64] = np.full(len(points), np.inf)
    rows = np.zeros(len(points), np.int64)
    for first in range(0, len(reference), _COLUMNS):
        others = np.asarray(rows_of(reference[first : first + _COLUMNS]), np.float32)
        which, column = _candidates(points, others, squares)
        exact = _squares(points, others, which, column)
        order = np.lexsort((column, exact, which))
        best, place = np.unique(which[order], return_index=True)
        closer = exact[order][place] < squares[best]
        best, place = best[closer], place[closer]
        squares[best] = exact[order][place]
        rows[best] = first + column[order][place]
    return np.sqrt(squares), rows


def _candidates(
    points: NDArray[np.float32], others: NDArray[np.float32], known: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which points and which others may be nearer than any known one, as two lists of rows."""
    share = np.float32(8 * np.finfo(np.float32).eps * points.shape[1] ** 0.5)
    lengths = [np.einsum("ij,ij->i", each, each) for each in (points, others)]
    low = points @ (np.float32(-2) * others).T
    low += ((1 - share) * lengths[0])[:, None]
    low += (1 - share) * lengths[1]
    nearest = low.argmin(axis=1)
    place = np.arange(len(points))
    upper = low[place, nearest] + 2 * share * (lengths[0] + lengths[1][nearest])
    limit = np.minimum(upper, np.nextafter(known.astype(np.float32), np.float32(np.inf)))
    first, second = np.nonzero(low <= limit[:, None])
    return first, second


def _squares(
    points: NDArray[np.float32],
    others: NDArray[np.float32],
    which: NDArray[np.int64],
    column: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Σ (x − t)² in float64 of listed pairs."""
    found = np.empty(len(which))
    for start in range(0, len(which), _AT_ONCE):
        pairs = slice(start, start + _AT_ONCE)
        apart = points[which[pairs]].astype(np.float64) - others[column[pairs]]
        found[pairs] = np.einsum("ij,ij->i", apart, apart)
    return found
