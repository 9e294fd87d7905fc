"""An MLP that sees a constant time: f(x) = MLP([x, t]), as in the published checkerboard student."""

import torch.nn.functional as F

from kdm.networks.image_shapes import OneHot
from kdm.networks.mlp import MLP
from kdm.shapes import Outputs, Samples


class TimedMLP(MLP):
    """An MLP whose last input is a constant time t; it sees no label."""

    t: float = 0.0

    def forward(self, x: Samples, labels: OneHot | None = None) -> Outputs:
        """(n, ...), taken flat, to (n, num_outputs)."""
        outputs: Outputs = super().forward(F.pad(x.flatten(1), (0, 1), value=self.t))
        return outputs
