"""Near-duplicates among samples: clusters in which each sample is near another one.

Two samples are joined if min_v ‖v(x) − y‖ / √D is at most a limit, v the identity or, of pictures, the
mirror image; a cluster is what is joined over any number of steps. Copies of one training picture form such a
cluster ('cliques' of near-identical generations in Carlini et al. 2023, arXiv 2301.13188), and so do the
samples of a student that lost modes.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdm.privacy.mirrored_views import rows_of, views

_ROWS = 512  # of a block
_ROUND_OFF = 1e-12  # of ‖x‖² + ‖y‖² in float64


class Duplicates(NamedTuple):
    """Clusters of at least two samples."""

    num: int
    largest: int  # samples in the largest; 0 if there is none
    share: float  # of the samples that are in one


def duplicates(samples: NDArray[Any], limit: float) -> tuple[Duplicates, NDArray[np.int64]]:
    """The clusters of samples [n, *shape], and the number of each one's cluster, [n]; alone counts too."""
    cluster = np.arange(len(samples), dtype=np.int64)
    others = rows_of(samples).astype(np.float64)
    squares, most = (others**2).sum(axis=1), limit**2 * max(others.shape[1], 1)
    for first in range(0, len(samples), _ROWS):
        for view in views(samples[first : first + _ROWS]):
            rows = rows_of(view).astype(np.float64)
            lengths = (rows**2).sum(axis=1)[:, None] + squares
            near = lengths - 2 * rows @ others.T <= most + _ROUND_OFF * lengths
            one, other = np.nonzero(near)
            cluster = _joined(cluster, one + first, other)
    sizes = np.bincount(cluster, minlength=1)
    sizes = sizes[sizes > 1]
    largest = int(sizes.max(initial=0))
    return Duplicates(len(sizes), largest, float(sizes.sum() / max(len(samples), 1))), cluster


def _joined(
    cluster: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Clusters [n] with those of the listed samples made one, numbered from 0 without gaps."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    num = int(cluster.max(initial=-1)) + 1
    links = coo_array((np.ones(len(one), bool), (cluster[one], cluster[other])), shape=(num, num))
    _, joined = connected_components(links, directed=False)
    return np.asarray(joined[cluster], np.int64)
