"""The velocity of a rectified flow and its losses (Liu et al. 2023, Lee et al. 2024).

Training sees points x_t = (1 − t) x_0 + t x_T of the line between the two ends of a pair, at times t
that are mostly near 0 and 1, and trains v(x_t, t, y) to be the line's direction x_T − x_0. Sampling
follows v from t = 1 to t = 0. If the paths are straight, a single step is exact.
"""

import torch
from torch import nn

from kdm.batch import Batch
from kdm.losses.distances import Distance
from kdm.networks.image_shapes import OneHot, Times
from kdm.objective import Losses, weighted
from kdm.shapes import Samples, Scalar
from kdm.students.flow_student import FlowStudent
from kdm.students.labels import one_hot
from kdm.students.line_times import columns, u_shaped_times


class ReflowStudent(FlowStudent):
    """v(x_t, t, y), and Euler's method from t = 1 to 0; `num_steps` may be changed at any time.

    The arguments are the fields of `kdm.students.reflow.Reflow`, and the network that they describe,
    which is called with (x_t (n, ...), t (n,) or (1,), one-hot labels or None).
    """

    num_steps: int

    def __init__(
        self,
        network: nn.Module,
        *,
        num_classes: int,
        num_steps: int,
        time_exponent: float,
        distance: Distance,
        perceptual: Distance | None,
        data_scale: float,
        noise_scale: float,
    ) -> None:
        super().__init__()
        self.network, self.num_classes = network, num_classes
        self.num_steps, self._time_exponent = num_steps, time_exponent
        self._distance, self._perceptual = distance, perceptual
        self.data_scale, self.noise_scale = data_scale, noise_scale

    def followed(self, x: Samples, t: Times, labels: OneHot | None) -> Samples:
        """v(x, t, y): a step of Euler's method."""
        v: Samples = self.network(x, t, labels)
        return v

    def measure(self, batch: Batch) -> Losses:
        """d(v, x_T − x_0) at random times; with a perceptual distance Lee et al.'s LPIPS-Huber-1/t.

        That is (1 − t) d(v, x_T − x_0) + d'(x_t − t v, x_0) / t (Lee et al. 2024, Sec. 4.2): near
        t = 1 a velocity is judged by the picture x_t − t v that it leads to. The term `flow` is the
        first part, `pred` the second.
        """
        x_0, x_T = batch.x_0 / self.data_scale, batch.noise() / self.noise_scale
        t = u_shaped_times(len(x_0), self._time_exponent, like=x_0)
        column = columns(t, like=x_0)
        x_t = (1 - column) * x_0 + column * x_T
        v = self.followed(x_t, t, one_hot(batch.label, self.num_classes, like=x_t))
        if self._perceptual is None:
            return weighted({"flow": self._distance.distance(v, x_T - x_0)}, {})
        flow = _weighted_mean(self._distance, v, x_T - x_0, 1 - t)
        pred = _weighted_mean(self._perceptual, x_t - column * v, x_0, 1 / t)
        return weighted({"flow": flow, "pred": pred}, {})


def _weighted_mean(d: Distance, given: Samples, wanted: Samples, weight: Times) -> Scalar:
    """The mean of w_i d(given_i, wanted_i), weights (n,) and samples (n, ...).

    A distance is a mean over a batch, so that each sample passes it as a separate batch.
    """
    each = torch.vmap(lambda one, other: d.distance(one[None], other[None]))(given, wanted)
    return (weight * each).mean()
