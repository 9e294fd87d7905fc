"""The velocity v(x, t) of flow_matching's 2-D example: five linear layers, SiLU after each but the last.

Its weights are named as the notebook saves them: main.0, main.2, … main.8. The published checkerboard
students have a teacher of this kind.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from kdm.networks.image_shapes import ClassLabels, TimesOrTime
from kdm.shapes import Points
from storage.options import Options


class PointVelocityOptions(Options):
    """Options by the notebook's names."""

    input_dim: int = Field(ge=1)  # values of a point
    time_dim: Literal[1] = 1
    hidden_dim: int = Field(ge=1)


class PointVelocity(nn.Module):
    """The published network, whose input is [x, t] (n, input_dim + 1)."""

    def __init__(self, options: PointVelocityOptions) -> None:
        super().__init__()
        self.options = options
        side, width = options.input_dim, options.hidden_dim
        layers: list[nn.Module] = [nn.Linear(side + options.time_dim, width), nn.SiLU()]
        for _ in range(3):
            layers += [nn.Linear(width, width), nn.SiLU()]
        self.main = nn.Sequential(*layers, nn.Linear(width, side))

    def forward(self, x: Points, t: TimesOrTime, label: ClassLabels | None = None) -> Points:
        """v (n, c) at points x (n, c) and time t, a scalar, (1,) or (n,); it ignores labels."""
        velocity: Points = self.main(torch.cat([x, t.reshape(-1, 1).expand(x.shape[0], 1)], dim=1))
        return velocity
