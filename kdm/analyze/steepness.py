"""Where a map is steep: the norm of its Jacobian, by finite differences.

    ‖J(x_T)‖_F² = E_v ‖J v‖²,  v ~ N(0, 1)  (Hutchinson 1990),     J v ≈ (G(x_T + h v) − G(x_T)) / h

In few coordinates all axes are taken in place of random v, which is exact up to h. A small error of a
student moves noise across a border between two regions only if it is near one, and there the map is
steep: so steepness marks samples to doubt without their teacher (the paper's "decision boundaries",
Sec. 6.1 and App. F). It needs `num_directions` + 1 evaluations a sample, and no gradient.
"""

import numpy as np
from numpy.typing import NDArray

from kdm.analyze.analysis import NoiseMap
from kdm.analyze.unrelated import square_distance
from kdm.metrics.samples import Classes, Points


def steepness(
    apply: NoiseMap,
    x_T: Points,
    label: Classes | None = None,
    *,
    step: float,
    num_directions: int,
    seed: int = 0,
) -> NDArray[np.float64]:
    """‖J‖_F [n] at noises [n, *shape]; `step` is h, in the noise's units.

    All axes are taken if there are at most `num_directions`, else so many random directions.
    """
    own, num_coordinates = apply(x_T, label), int(np.prod(x_T.shape[1:]))
    directions = _axes(num_coordinates) if num_coordinates <= num_directions else None
    draws = np.random.RandomState(seed)
    total = np.zeros(len(x_T))
    for place in range(num_coordinates if directions is not None else num_directions):
        if directions is not None:
            v = np.broadcast_to(directions[place].reshape(x_T.shape[1:]), x_T.shape)
        else:
            v = draws.standard_normal(x_T.shape)
        moved = apply((x_T + step * v).astype(np.float32), label)
        total += square_distance(moved, own) / step**2
    return np.sqrt(total if directions is not None else total / num_directions)


def _axes(count: int) -> NDArray[np.float64]:
    """The unit vectors [count, count]."""
    return np.eye(count)
