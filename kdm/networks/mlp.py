"""A multilayer perceptron with SiLU, as in the published checkerboard networks (App. E.3)."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from kdm.shapes import Outputs, Points


class MLP(nn.Module):
    """`num_layers` linear layers; SiLU after each but the last, with `ends_in_silu` after all.

    Initial weights are PyTorch's times gains: `input_gain` for the first layer's weight and bias, `gain`
    for the weights of the others. A larger first layer lets the network learn finer detail sooner.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        *,
        width: int,
        num_layers: int,
        ends_in_silu: bool = False,
        input_gain: float = 1.0,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        sides = [num_inputs, *[width] * (num_layers - 1), num_outputs]
        layers = [nn.Linear(side_in, side_out) for side_in, side_out in pairwise(sides)]
        _scale(layers, input_gain, gain)
        self.layers = nn.ModuleList(layers)
        self._num_silu = num_layers if ends_in_silu else num_layers - 1

    def forward(self, x: Points) -> Outputs:
        """(n, num_inputs) to (n, num_outputs)."""
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number < self._num_silu:
                x = F.silu(x)
        return x


@torch.no_grad()
def _scale(layers: list[nn.Linear], input_gain: float, gain: float) -> None:
    """Multiply the initial weights by their gains, in place; biases but the first stay."""
    layers[0].weight.mul_(input_gain)
    layers[0].bias.mul_(input_gain)
    for layer in layers[1:]:
        layer.weight.mul_(gain)
