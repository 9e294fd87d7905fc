"""A teacher's denoiser D_θ as encoder of any point of a trajectory, and as decoder to any of its times.

    E: x_t → D_θ(x_t; σ_t, y)        D: (z, s) → D_θ(z; σ, y), whose network also sees the time s

Latents are pictures. The time s enters F_θ where the parameters of EDM's augmentation do, by a layer that
no teacher has and that begins at 0. Times are 0 … 1, evenly spaced over the stored levels.
"""

import torch
from torch import Tensor, nn

from kdm.networks.image_shapes import Images, OneHot, Times
from kdm.networks.interval_waves import encoded, interval_waves
from kdm.networks.preconditioning import Preconditioner
from kdm.shapes import Latents, Samples
from kdm.students.trajectory import Trajectory

_LOWEST_SIGMA = 0.002  # EDM's lowest level (Karras et al. 2022, Table 1): data themselves have none
_TIME_SCALE = 999.0  # what a time of 1 is to sines and cosines, whose frequencies suit 1,000 steps


class TimedDenoiserEncoder(nn.Module):
    """E: points of a trajectory, over their standard deviation, to denoised pictures over `data_scale`."""

    def __init__(self, denoiser: Preconditioner, trajectory: Trajectory) -> None:
        super().__init__()
        self.denoiser, self.trajectory = denoiser, trajectory

    def forward(self, x: Samples, t: Times, labels: OneHot | None = None) -> Latents:
        """x (n, C, H, H) at times t (n,) or (1,) to z (n, d)."""
        number = self.trajectory.number(t)
        lowest = max(_LOWEST_SIGMA, self.denoiser.sigma_min)
        sigma = self.trajectory.sigma[number].clamp(min=lowest)
        made: Images = self.denoiser(self.trajectory.unscaled(x, number), sigma, labels)
        return made.flatten(1) / self.trajectory.data_scale


class TimedDenoiserDecoder(nn.Module):
    """D: latents to what their point holds beyond its noise, at the noise level `sigma` of the denoiser."""

    def __init__(self, denoiser: Preconditioner, *, sigma: float, data_scale: float) -> None:
        super().__init__()
        self.denoiser, self.sigma, self.data_scale = denoiser, sigma, data_scale
        options = denoiser.model.options
        self._shape, self._waves = options.in_shape, interval_waves(options.augment_dim)

    def forward(self, z: Latents, t: Times, labels: OneHot | None = None) -> Images:
        """z (n, d) at times t (n,) or (1,) to pictures (n, C, H, H) over `data_scale`."""
        x = self.data_scale * z.reshape(z.shape[0], *self._shape)
        waves: Tensor = encoded(self._waves, t, _TIME_SCALE)
        made: Images = self.denoiser(x, torch.full_like(t[:1], self.sigma), labels, waves)
        return made / self.data_scale
