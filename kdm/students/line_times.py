"""Where on the line from data (t = 0) to noise (t = 1) a flow student is trained."""

import math

import torch
from torch import Tensor

from kdm.networks.image_shapes import Times
from kdm.randomness.draws import draws
from kdm.shapes import Samples
from kdm.students.interval_options import IntervalOptions

_NEAREST_TO_AN_END = 1e-5  # of training's times, as published: 1 / t is a weight


def u_shaped_times(count: int, exponent: float, *, like: Samples) -> Times:
    """Times (n,) of density ∝ exp(a (t − ½)) + exp(−a (t − ½)), kept 1e-5 away from 0 and 1.

    `exponent` is a (4 in Lee et al. 2024, Sec. 4.1); 0 gives uniform times. With even chances t comes
    from one of two mirrored exponentials, by the inverse of its distribution: log(1 + u (e^a − 1)) / a
    for u ~ U(0, 1). `like` gives the device and the type.
    """
    u, side = draws().uniform((2, count), like=like, axis=1)
    t = (u * math.expm1(exponent)).log1p() / exponent if exponent else u
    t = torch.where(side < 0.5, t, 1 - t)
    return t.clamp(_NEAREST_TO_AN_END, 1 - _NEAREST_TO_AN_END)


def random_intervals(t: Times, options: IntervalOptions) -> Times:
    """t − r (n,) for times t (n,): r is 0 … t, and exactly 0 in the corner of long intervals."""
    normal = options.mean + options.std * draws().normal((len(t),), like=t)
    r = (t - normal.sigmoid()).clamp(min=0)
    if options.corner is not None:
        above, below = options.corner
        r = torch.where((t > above) & (r < below), 0.0, r)
    return t - r


def columns(values: Times, *, like: Samples) -> Tensor:
    """Numbers (n,) as (n, 1, …), to multiply samples (n, ...)."""
    return values.reshape(-1, *[1] * (like.ndim - 1))
