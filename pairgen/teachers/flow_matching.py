"""Flow matching on the straight path (Lipman et al. 2023, with the independent coupling).

x_t = (1 - t) x_0 + t x_T with t = 0 data and t = T = 1 noise, so dx/dt = x_T - x_0. The paper and
the flow_matching library count time the other way: their velocity at their t is ours, negated, at
1 - t.
"""

from functools import partial
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.draws import draws
from kdm.networks.mlp import MLP
from kdm.objective import Losses, Objective, Player
from kdm.shapes import Labels, Points, Samples, Scalar
from pairgen.precision import in_type
from pairgen.teachers.teacher import Teacher, TeacherPlugin


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

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt at x [n, d] and t (0-d or [n])."""
        t = t.to(x).reshape(-1, 1).expand(len(x), 1)
        if self._data_std is None:
            return self._asked(x, t)
        variance = self._data_std**2
        s_squared = (1 - t) ** 2 * variance + t**2
        s = s_squared.sqrt()
        linear_guess = (t - (1 - t) * variance) / s_squared * x
        return linear_guess + self._data_std / s * self._asked(x / s, t)

    def _asked(self, x: Points, t: Tensor) -> Points:
        with in_type(self.dtype, x.device):
            answer: Points = self.network(torch.cat([x, t], dim=1))
        return answer.to(x)


class FlowMatchingTeacher(TeacherPlugin):
    """An MLP that learns the velocity of the straight path; for samples of shape (d,)."""

    plugin = "flow-matching"
    is_trained: ClassVar[bool] = True

    width: int = Field(64, ge=1, le=2**16)
    num_layers: int = Field(6, ge=1, le=1000)  # linear layers (the flow_matching notebook has 5)
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    input_gain: float = Field(2.0, gt=0)  # times the first layer
    # Standard deviation of the data, per value; the checkerboard's is sqrt(4/3) / 0.45 = 2.566.
    # None: the network sees x_t as it is and gives the velocity as it is, as published.
    data_std: float | None = Field(2.566, gt=0)

    @property
    def noise_scale(self) -> float:
        """The field's."""
        return FlowMatchingField.noise_scale

    def build(self, shape: tuple[int, ...]) -> FlowMatchingField:
        """An untrained field over samples of `shape`."""
        if len(shape) != 1:
            raise ValueError(
                f"teacher 'flow-matching' is an MLP for samples of shape (d,), not {shape}; "
                "choose a teacher for images"
            )
        num_values = shape[0]
        network = MLP(
            num_values + 1,
            num_values,
            width=self.width,
            num_layers=self.num_layers,
            input_gain=self.input_gain,
            gain=self.gain,
        )
        return FlowMatchingField(network, self.data_std)

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """A new field and the flow-matching loss on batches of data."""
        field = self.build(shape)
        player = Player("teacher", field, partial(flow_matching_losses, field))
        return Objective(field, (player,), networks=(field.network,))


def flow_matching_losses(field: Teacher, batch: Batch) -> Losses:
    """‖v(x_t, t) - (x_T - x_0)‖² per value, x_T ~ N(0, 1), t ~ U[0, 1) (Lipman et al., Eq. 23).

    Random numbers are those of `kdm.draws`, which the trainer chooses.
    """
    x_0 = batch.x_0
    x_T = draws().normal_like(x_0)
    t = draws().uniform((len(x_0),), like=x_0)
    t_column = t.reshape(-1, *[1] * (x_0.ndim - 1))
    x_t = (1 - t_column) * x_0 + t_column * x_T
    loss: Scalar = F.mse_loss(field.velocity(x_t, t, batch.label), x_T - x_0)
    return Losses(loss, {"flow-matching": loss.detach()})
