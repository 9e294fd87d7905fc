"""Networks of (x_t, t, labels) for a student that learns a velocity: an MLP, or a U-Net of pictures."""

import torch
from torch import nn

from kdm.networks.image_shapes import Images, OneHot, Times
from kdm.networks.mlp import MLP
from kdm.networks.song_unet import SongUNet
from kdm.shapes import Samples
from kdm.students.unet_choice import UNetChoice
from kdm.students.velocity_choice import VelocityMlp
from storage.records import PairSchema

# What a time of 1 is to a U-Net's sines and cosines, whose frequencies are made for 1,000 steps.
_LAST_STEP = 999.0


def build_velocity_network(choice: VelocityMlp | UNetChoice, schema: PairSchema) -> nn.Module:
    """An untrained network; called with x [n, ...], t [n] or [1], and one-hot labels or None."""
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
        """The velocity at x and t."""
        flat = torch.cat([x.flatten(1), t[:, None].expand(len(x), 1)], 1)
        velocity: Samples = super().forward(flat).reshape(x.shape)
        return velocity


class _PictureVelocity(nn.Module):
    def __init__(self, unet: SongUNet) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, x: Images, t: Times, labels: OneHot | None = None) -> Images:
        """The velocity at x and t."""
        velocity: Images = self.unet(x, _LAST_STEP * t, labels)
        return velocity
