"""An MLP that sees a constant time (kdm.md 1.12)."""

import torch.nn.functional as F

from kdm.networks.image_shapes import OneHot
from kdm.networks.mlp import MLP
from kdm.shapes import Outputs, Samples


class TimedMLP(MLP):
    """An MLP whose last input is a constant time; it looks at no label."""

    t: float = 0.0

    def forward(self, x: Samples, labels: OneHot | None = None) -> Outputs:
        """[n, ...] to [n, num_outputs]."""
        outputs: Outputs = super().forward(F.pad(x.flatten(1), (0, 1), value=self.t))
        return outputs
