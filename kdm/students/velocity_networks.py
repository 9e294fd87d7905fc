"""Networks v(x_t, t, y) for a student that learns a velocity: an MLP for points, or a U-Net.

Here t is a real input, from 0 (data) to 1 (noise); the coders of KDM see a constant instead. A network of
average velocities u(x_t, r, t, y) also sees the interval t − r. With an interval of 0 it is a network of
velocities, with the same weights beside those for the interval.
"""

import torch
from torch import nn

from kdm.coders.unet_choice import UNetChoice
from kdm.networks.image_shapes import Images, OneHot, Times
from kdm.networks.interval_waves import encoded, interval_waves
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
        return _PictureVelocity(choice.build(schema), _LAST_STEP)
    return _point_velocity(choice, schema, num_times=1)


def build_average_velocity_network(
    choice: VelocityMlp | UNetChoice, schema: PairSchema, *, time_scale: float
) -> nn.Module:
    """As `build_velocity_network`; a fourth argument is the interval t − r, (n,) or (1,).

    `time_scale` is what 1 is to a U-Net's sines and cosines; an MLP sees t and t − r themselves.
    """
    if isinstance(choice, UNetChoice):
        unet = choice.build(schema, augment_dim=choice.model_channels)
        return _PictureVelocity(unet, time_scale)
    return _point_velocity(choice, schema, num_times=2)


def _point_velocity(choice: VelocityMlp, schema: PairSchema, *, num_times: int) -> "_PointVelocity":
    return _PointVelocity(
        schema.num_values + num_times,
        schema.num_values,
        width=choice.width,
        num_layers=choice.num_layers,
        input_gain=choice.input_gain,
        gain=choice.gain,
    )


class _PointVelocity(MLP):
    def forward(  # type: ignore[override]
        self,
        x: Samples,
        t: Times,
        labels: OneHot | None = None,
        interval: Times | None = None,
    ) -> Samples:
        """v (n, ...) at x, t and the interval, which are inputs beside the flat x."""
        times = [t] if interval is None else [t, interval]
        columns = [each[:, None].expand(x.shape[0], 1) for each in times]
        velocity: Samples = super().forward(torch.cat([x.flatten(1), *columns], 1)).reshape(x.shape)
        return velocity


class _PictureVelocity(nn.Module):
    def __init__(self, unet: SongUNet, time_scale: float) -> None:
        super().__init__()
        self.unet, self._time_scale = unet, time_scale
        self._waves = interval_waves(unet.options.augment_dim)

    def forward(
        self,
        x: Images,
        t: Times,
        labels: OneHot | None = None,
        interval: Times | None = None,
    ) -> Images:
        """v (n, c, h, w) at x, t and the interval; the U-Net sees both times `time_scale`."""
        waves, scale = self._waves, self._time_scale
        joined = None if interval is None else encoded(waves, interval, scale)
        velocity: Images = self.unet(x, self._time_scale * t, labels, joined)
        return velocity
