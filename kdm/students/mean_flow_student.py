"""The average velocity u of MeanFlow and its loss (Geng et al. 2025, Sec. 4.1; Zhang et al. 2025).

    u_target = v − (t − r) (∂_x u · v + ∂_t u),   v = x_T − x_0,   without a gradient
    L = mean_i w_i e_i²,   e² the mean square of a sample's u − u_target,   w = 1 / (e² + c)^p, a constant

Where r = t the target is v itself, so that only the rows with an interval need the derivative.
"""

from typing import NamedTuple

import torch
from torch import nn

from kdm.batch import Batch
from kdm.networks.forward_mode import derivative_along
from kdm.networks.image_shapes import OneHot, Times
from kdm.objective import Losses, weighted
from kdm.shapes import Samples, Scalar
from kdm.students.flow_student import FlowStudent
from kdm.students.interval_options import IntervalOptions
from kdm.students.labels import one_hot
from kdm.students.line_times import columns, random_intervals, u_shaped_times
from kdm.students.student import evaluating


class MeanFlowStudent(FlowStudent):
    """u(x_t, r, t, y); a single step from t = 1 to r = 0 is x_0^ = x_T − u(x_T, 0, 1, y).

    The arguments are the fields of `kdm.students.mean_flow.MeanFlow`, and the network that they describe,
    which is called with (x_t (n, ...), t, one-hot labels or None, t − r), times (n,) or (1,).
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        num_classes: int,
        num_steps: int,
        intervals: IntervalOptions,
        weight_power: float,
        weight_floor: float,
        data_scale: float,
        noise_scale: float,
    ) -> None:
        super().__init__()
        self.network, self.num_classes = network, num_classes
        self.num_steps, self._intervals = num_steps, intervals
        self._weight_power, self._weight_floor = weight_power, weight_floor
        self.data_scale, self.noise_scale = data_scale, noise_scale

    def followed(self, x: Samples, t: Times, labels: OneHot | None) -> Samples:
        """u(x, r, t, y), r being where the step ends."""
        u: Samples = self.network(x, t, labels, torch.full_like(t, 1 / self.num_steps))
        return u

    def measure(self, batch: Batch) -> Losses:
        """`flow`: the weighted mean square error of u at random times.

        The first rows of a batch have an interval, a fixed share of it; any sample may be among them.
        Raises a ValueError if parts of a batch would have different numbers of such rows.
        """
        x_0, x_T = batch.x_0 / self.data_scale, batch.noise() / self.noise_scale
        num_apart = batch.num_first(self._intervals.share)
        t = u_shaped_times(len(x_0), self._intervals.time_exponent, like=x_0)
        interval = torch.zeros_like(t)
        if num_apart:
            interval[:num_apart] = random_intervals(t[:num_apart], self._intervals)
        column, v = columns(t, like=x_0), x_T - x_0
        point = _Point((1 - column) * x_0 + column * x_T, t, interval)
        labels = one_hot(batch.label, self.num_classes, like=x_0)
        error = self.network(point.x, t, labels, interval) - v
        if num_apart:
            beyond = self._beyond(point.first(num_apart), v[:num_apart], labels)
            error = torch.cat([error[:num_apart] + beyond, error[num_apart:]])
        return weighted({"flow": self._weighted_square(error)}, {})

    def _beyond(self, at: "_Point", v: Samples, labels: OneHot | None) -> Samples:
        """v − u_target (m, ...) = (t − r) du/dt along the lines, r staying where it is.

        Dropout is off: the target is that of the whole network. A compiled network's own `forward` isn't
        compiled, as forward mode needs it.
        """

        def average(x: Samples, t: Times, interval: Times) -> Samples:
            u: Samples = self.network.forward(x, t, own, interval)
            return u

        own, one = None if labels is None else labels[: len(v)], torch.ones_like(at.t)
        with evaluating(self.network):
            slope = derivative_along(average, tuple(at), (v, one, one))
        return columns(at.interval, like=v) * slope

    def _weighted_square(self, error: Samples) -> Scalar:
        """The mean of w e² over samples, w without a gradient."""
        square = error.flatten(1).square().mean(1)
        weight = (square.detach() + self._weight_floor) ** -self._weight_power
        return (weight * square).mean()


class _Point(NamedTuple):
    """Where u is asked: x (n, ...), t (n,) and t − r (n,)."""

    x: Samples
    t: Times
    interval: Times

    def first(self, num: int) -> "_Point":
        """The first `num` rows."""
        return _Point(self.x[:num], self.t[:num], self.interval[:num])
