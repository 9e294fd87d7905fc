"""The velocity of the straight path, and the loss that it is trained with (Lipman et al. 2023).

    x_t = (1 - t) x_0 + t x_T,     dx_t/dt = x_T - x_0,     v(x, t) = E[x_T - x_0 | x_t = x]

t is 0 at the data and 1 at the noise, the reverse of the paper's.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.level import Level, straight_path
from kdm.objective import Losses
from kdm.randomness.draws import draws
from kdm.shapes import Labels, Points, Samples, Scalar
from pairgen.field import Teacher


class FlowMatchingField(Teacher):
    """A network of (x, t); with `data_std` c it learns only what a Gaussian of that spread leaves.

    For x_0 of standard deviation c the best linear guess of the velocity from x_t is
    (t - (1 - t) c²) / s_t² · x_t with s_t² = (1 - t)² c² + t², and what remains has standard
    deviation c / s_t. The network sees x_t / s_t and its output is multiplied by c / s_t: the
    preconditioning of Karras et al. 2022 (Section 5), worked out for the straight path.
    """

    t_noise = 1.0
    noise_scale = 1.0

    def __init__(self, network: nn.Module, data_std: float | None) -> None:
        super().__init__()
        self.network = network
        self._data_std = data_std

    def level(self, t: float) -> Level:
        """That of the straight path."""
        return straight_path(t)

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt [n, d] at x [n, d] and t ([ ] or [n]); labels are ignored."""
        t = t.to(x).reshape(-1, 1).expand(x.shape[0], 1)
        if self._data_std is None:
            return self._asked(x, t)
        variance = self._data_std**2
        s_squared = (1 - t) ** 2 * variance + t**2
        s = s_squared.sqrt()
        linear_guess = (t - (1 - t) * variance) / s_squared * x
        return linear_guess + self._data_std / s * self._asked(x / s, t)

    def _asked(self, x: Points, t: Tensor) -> Points:
        """The network's answer [n, d] to x [n, d] and t [n, 1], computed in `dtype`."""
        with self.in_dtype(x.device):
            answer: Points = self.network(torch.cat([x, t], dim=1))
        return answer.to(x)


def flow_matching_losses(field: Teacher, batch: Batch) -> Losses:
    """The mean over samples and values, [ ], of (v(x_t, t) - (x_T - x_0))² (Lipman et al. 2023, Eq. 23).

    x_0 is the batch's [n, *shape]; x_T ~ N(0, I) and t ~ U[0, 1) are drawn from
    `kdm.randomness.draws`, which the trainer chooses.
    """
    x_0 = batch.x_0
    x_T = draws().normal_like(x_0)
    t = draws().uniform((len(x_0),), like=x_0)
    t_column = t.reshape(-1, *[1] * (x_0.ndim - 1))
    x_t = (1 - t_column) * x_0 + t_column * x_T
    loss: Scalar = F.mse_loss(field.velocity(x_t, t, batch.label), x_T - x_0)
    return Losses(loss, {"flow-matching": loss.detach()})
