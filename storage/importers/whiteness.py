"""Whether neighbouring numbers of a sample are correlated: those of noise aren't, those of a picture are.

Along an axis, r = E[z_k z_(k+1)] / E[z_k²], about zero. Of white noise with m products its standard
error is about 1/√m; pictures have r near 1.
"""

import numpy as np
from numpy.typing import NDArray


def correlations(groups: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], int]]:
    """Of [g, n, *shape]: the correlation of neighbours along each axis of a sample, [g].

    Each comes with the number of products in its mean. It is taken about zero, where noise has
    its mean; of nothing but zeros it is 1.
    """
    power = group_means(groups * groups)
    found = []
    for axis in range(2, groups.ndim):
        if groups.shape[axis] > 1:
            below, above = np.moveaxis(groups, axis, 0)[:-1], np.moveaxis(groups, axis, 0)[1:]
            products = np.moveaxis(below * above, 1, 0)
            r = np.divide(group_means(products), power, out=np.ones_like(power), where=power > 0)
            found.append((r, products[0].size))
    return found


def is_white(groups: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which groups of [g, n, *shape] are uncorrelated between neighbours: bool [g]."""
    white = np.ones(len(groups), bool)
    for r, num in correlations(groups):
        white &= np.abs(r) < 8 / np.sqrt(num) + 60 / num
    return white


def group_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over each group of [g, …]: [g]."""
    return np.asarray(values.reshape(len(values), -1).mean(axis=1))
