"""A multilayer perceptron with SiLU, as the published checkerboard networks (kdm.md 1.12)."""

from itertools import pairwise

import torch.nn.functional as F
from torch import nn

from kdm.shapes import Points


class MLP(nn.Module):
    """`num_layers` linear layers; SiLU after each but the last, with `ends_in_silu` after all.

    With `residual` a layer as wide as its input adds it: h + SiLU(W h + b).
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        *,
        width: int,
        num_layers: int,
        ends_in_silu: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__()
        sides = [num_inputs, *[width] * (num_layers - 1), num_outputs]
        self.layers = nn.ModuleList(
            nn.Linear(side_in, side_out) for side_in, side_out in pairwise(sides)
        )
        self._num_silu = num_layers if ends_in_silu else num_layers - 1
        self._residual = residual

    def forward(self, x: Points) -> Points:
        """[n, num_inputs] to [n, num_outputs]."""
        for number, layer in enumerate(self.layers):
            y = layer(x)
            if number < self._num_silu:
                y = F.silu(y)
            x = x + y if self._residual and x.shape == y.shape else y
        return x
