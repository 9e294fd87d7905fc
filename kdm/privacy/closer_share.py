"""Shares of samples that are closer to the training set than held-out real samples let expect.

    DCR share = #{x: d_1(x, T') < d_1(x, H)} / n,   T' of the training set, |T'| = |H|

A sample that knows nothing of who was trained on finds either set nearer by a toss of a coin: 50 % are
expected. A sample as near to one as to the other counts for neither. This share is of all samples alike;
copies of few training samples show in the tail first,

    near share = #{x: d_1(x, T) < q} / n,   q: the distance that 1 % of held-out samples are below,

of which 1 % are expected. The first is how tabular synthetic data are tested ('distance to closest record');
'The DCR Delusion' (arXiv 2505.01524) attacks sets that pass.
"""

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import Estimate, share_of

NEAR = 0.01  # of held-out samples are as near by chance


def closer_share(
    to_training: NDArray[np.float64], to_heldout: NDArray[np.float64]
) -> Estimate | None:
    """The share over distances [n] and [n] with Wilson's 95 % interval; None if all are equal."""
    differ = to_training != to_heldout
    if not differ.any():
        return None
    return share_of(to_training[differ] < to_heldout[differ])


def near_share(distances: NDArray[np.float64], of_heldout: NDArray[np.float64]) -> Estimate | None:
    """The share of distances [n] below which 1 % of held-out samples' [m] lie, with Wilson's interval.

    None if there are fewer than a hundred held-out samples.
    """
    place = int(NEAR * len(of_heldout))
    return share_of(distances < np.sort(of_heldout)[place]) if place else None
