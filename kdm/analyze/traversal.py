"""From one noise to another: what lies between two samples (spherical interpolation, Shoemake 1985).

    slerp(a, b; t) = sin((1 − t) ω) / sin ω · a + sin(t ω) / sin ω · b,   cos ω = a·b / (‖a‖ ‖b‖)

Gaussian noise of many coordinates lies close to a sphere; a straight line between two of its points cuts
through the inside, where no noise is, and slerp keeps to the sphere (White 2016). Along the way

    ρ = Σ_k ‖G(x_{k+1}) − G(x_k)‖ / ‖G(x_K) − G(x_0)‖ ≥ 1

says how much longer the samples' path is than the straight way: 1 for a linear G on a straight line.
"""

import numpy as np
from numpy.typing import NDArray

from kdm.analyze.analysis import NoiseMap
from kdm.metrics.samples import Classes, Points


def slerp(first: Points, second: Points, share: float) -> Points:
    """Between noises [n, *shape], row by row; `share` 0 gives the first and 1 the second.

    Parallel rows are interpolated along the line, which is the limit.
    """
    a, b = (each.reshape(len(each), -1).astype(np.float64) for each in (first, second))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.clip((a * b).sum(axis=1) / np.maximum(lengths, np.finfo(np.float64).tiny), -1, 1)
    angle = np.arccos(cosine)[:, None]
    is_parallel = np.sin(angle) < 1e-6
    safe = np.where(is_parallel, 1.0, np.sin(angle))
    left = np.where(is_parallel, 1 - share, np.sin((1 - share) * angle) / safe)
    right = np.where(is_parallel, share, np.sin(share * angle) / safe)
    return (left * a + right * b).reshape(first.shape).astype(np.float32)


def traversed(
    apply: NoiseMap, first: Points, second: Points, label: Classes | None, *, num_steps: int
) -> NDArray[np.float32]:
    """G along the way from `first` to `second` [n, *shape]: [num_steps + 1, n, *shape]."""
    shares = np.linspace(0, 1, num_steps + 1)
    return np.stack([apply(slerp(first, second, float(share)), label) for share in shares])


def path_ratio(path: NDArray[np.floating]) -> NDArray[np.float64]:
    """ρ [n] of paths [steps + 1, n, *shape]; NaN where a path ends where it began."""
    flat = path.reshape(*path.shape[:2], -1).astype(np.float64)
    length = np.linalg.norm(np.diff(flat, axis=0), axis=2).sum(axis=0)
    straight = np.linalg.norm(flat[-1] - flat[0], axis=1)
    missing = np.full(len(straight), np.nan)
    return np.asarray(np.divide(length, straight, out=missing, where=straight > 0))
