"""How far two unrelated samples are from each other: the yardstick of distances between related ones.

    u = E ‖x_0 − x_0'‖² over independent pairs of one class = 2 tr Cov(x_0 | y), averaged over classes

A distance divided by √u is 0 for the same sample and about 1 for any other of its class, whatever the
data's units and number of coordinates are.
"""

import numpy as np

from kdm.metrics.samples import Classes, Points


def unrelated_square(x_0: Points, label: Classes | None = None) -> float:
    """u of samples [n, *shape], within the classes [n] if there are any; classes of one sample don't count.

    A ValueError if no two samples share a class, or if all are equal.
    """
    flat = x_0.reshape(len(x_0), -1).astype(np.float64)
    label = np.zeros(len(flat), np.int64) if label is None else label
    groups = [flat[label == each] for each in np.unique(label)]
    groups = [group for group in groups if len(group) > 1]
    total = sum(len(group) for group in groups)
    if not total:
        raise ValueError(f"{len(flat)} samples, no two of one class: take more held-out pairs")
    square = sum(len(group) * 2 * float(group.var(axis=0, ddof=1).sum()) for group in groups)
    if not square:
        raise ValueError("all samples of a class are equal, so no distance between them means much")
    return square / total


def square_distance(first: Points, second: Points) -> np.ndarray:
    """‖x − x'‖² of each row, float64 [n]."""
    difference = first.astype(np.float64) - second
    return np.asarray((difference.reshape(len(difference), -1) ** 2).sum(axis=1))
