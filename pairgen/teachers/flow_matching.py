"""Flow matching on the straight path (Lipman et al. 2023, with the independent coupling).

x_t = (1 - t) x_0 + t x_T with t = 0 data and t = T = 1 noise, so dx/dt = x_T - x_0 along one path. The
field to sample from is its mean over all paths through x, v(x, t) = E[x_T - x_0 | x_t = x], which is what
a network trained on that difference learns (Theorem 2). The paper and the flow_matching library count
time the other way: their velocity at their t is ours, negated, at 1 - t.
"""

from functools import partial
from typing import ClassVar

from pydantic import Field

from kdm.objective import Objective
from pairgen.teachers.late import FlowMatchingField
from pairgen.teachers.plugin import TeacherPlugin


class FlowMatchingTeacher(TeacherPlugin):
    """An MLP that learns the velocity of the straight path; for samples of shape (d,)."""

    plugin = "flow-matching"
    is_trained: ClassVar[bool] = True

    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_layers: int = Field(6, ge=1, le=1000)  # linear layers (the flow_matching notebook has 5)
    gain: float = Field(1.5, gt=0)  # times PyTorch's initial weights, in all layers but the first
    input_gain: float = Field(2.0, gt=0)  # times the first layer
    # Standard deviation of the data, per value; the checkerboard's is sqrt(4/3) / 0.45 = 2.566.
    # None: the network sees x_t as it is and gives the velocity as it is, as published.
    data_std: float | None = Field(2.566, gt=0)

    @property
    def noise_scale(self) -> float:
        """1: noise is N(0, I)."""
        return 1.0

    def build(self, shape: tuple[int, ...]) -> FlowMatchingField:
        """An untrained field over samples of `shape` (d,); a ValueError for pictures."""
        if len(shape) != 1:
            raise ValueError(
                f"teacher 'flow-matching' is an MLP for samples of shape (d,), not {shape}; "
                "choose a teacher for images"
            )
        from kdm.networks.mlp import MLP  # torch: imported only to build
        from pairgen.teachers.flow_matching_field import FlowMatchingField as Built

        num_values = shape[0]
        network = MLP(
            num_values + 1,
            num_values,
            width=self.width,
            num_layers=self.num_layers,
            input_gain=self.input_gain,
            gain=self.gain,
        )
        return Built(network, self.data_std)

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """A new field over samples of `shape`, and the flow-matching loss on batches of data."""
        from pairgen.teachers.flow_matching_field import flow_matching_losses
        from pairgen.teachers.preview import training_of  # torch: imported only to train

        field = self.build(shape)
        return training_of(field, partial(flow_matching_losses, field), field.network, None, shape)
