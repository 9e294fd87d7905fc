"""Networks v(x_t, t, y) for a student that learns a velocity: an MLP for points, or a U-Net.

Here t is a real input, from 0 (data) to 1 (noise); the coders of KDM see a constant instead.
"""

import torch
from torch import nn

from kdm.coders.unet_choice import UNetChoice
from kdm.networks.image_shapes import Images, OneHot, Times
from kdm.networks.mlp import MLP
from kdm.networks.song_unet import SongUNet
from kdm.shapes import Samples
from kdm.students.velocity_choice import VelocityMlp
from storage.records import PairSchema

# What t = 1 is to a U-Net's sines and cosines, whose frequencies suit DDPM's 1,000 steps (Ho et al. 2020).
_LAST_STEP = 999.0


def build_velocity_network(choice: VelocityMlp | UNetChoice, schema: PairSchema) -> nn.Module:
    """An untrained network, its weights from torch's global generator.

    It is called with x_t (n, ...), t (n,) or (1,), and one-hot labels (n, classes) or None, and gives a
    velocity of x_t's shape.
    """
    if isinstance(choice, UNetChoice):
        return _PictureVelocity(choice.build(schema))
    return _PointVelocity(
        schema.num_values + 1,
        schema.num_values,
        width=choice.width,
        num_layers=choice.num_layers,
        input_gain=choice.input_gain,
        gain=choice.gain,
    )


class _PointVelocity(MLP):
    def forward(self, x: Samples, t: Times, labels: OneHot | None = None) -> Samples:  # type: ignore[override]
        """v (n, ...) at x and t, which is one more input beside the flat x."""
        flat = torch.cat([x.flatten(1), t[:, None].expand(len(x), 1)], 1)
        velocity: Samples = super().forward(flat).reshape(x.shape)
        return velocity


class _PictureVelocity(nn.Module):
    def __init__(self, unet: SongUNet) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, x: Images, t: Times, labels: OneHot | None = None) -> Images:
        """v (n, c, h, w) at x and t; the U-Net sees 999 t."""
        velocity: Images = self.unet(x, _LAST_STEP * t, labels)
        return velocity
