"""The velocity of a straight path by way of a denoiser, as flows start from EDM's weights (Lee et al. 2024).

    x_t = (1 − t) x_0 / s + t ε,   v = (x_t − D_θ(x; σ) / s) / t,   σ = s t / (1 − t),   x = σ x_t / t

s is the scale of x_0 and ε the noise of unit variance: x = x_0 + σ ε is what the denoiser knows. σ doesn't
exceed the highest level σ_T, although the path's own does near t = 1; at t = 1 exactly x is x_T = σ_T ε, and
one step of Euler's method, x_1 − v, is D_θ(x_T; σ_T) / s. With D_θ = c_skip x + c_out F_θ(c_in x; c_noise)

    v = (1 − c_skip σ / (s t)) / t · x_t − c_out / (s t) · F_θ(c_in σ / t · x_t; c_noise)

whose factors stay finite as t → 0. They are computed in float64, since the first is a small difference of
large numbers there.
"""

from torch import nn

from kdm.networks.image_shapes import Images, OneHot, Times
from kdm.networks.interval_waves import encoded, interval_waves
from kdm.networks.preconditioning import Preconditioner

_LOWEST_SIGMA = 0.002  # of c_noise: EDM's lowest level (Karras et al. 2022, Table 1)


class DenoiserVelocity(nn.Module):
    """v(x_t, t, y) around D_θ; F_θ may also see an interval of times, as its augmentation.

    `sigma_T` is the highest noise level, `data_scale` is s, `time_scale` what an interval of 1 is to sines
    and cosines.
    """

    def __init__(
        self,
        denoiser: Preconditioner,
        *,
        sigma_T: float,
        data_scale: float,
        time_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.denoiser = denoiser
        self._sigma_T, self._data_scale, self._time_scale = sigma_T, data_scale, time_scale
        self._waves = interval_waves(denoiser.model.options.augment_dim)

    def forward(
        self,
        x: Images,
        t: Times,
        labels: OneHot | None = None,
        interval: Times | None = None,
    ) -> Images:
        """v (n, c, h, w) at x_t (n, c, h, w) of unit scale, t (n,) or (1,) of (0, 1], and the interval."""
        s, time = self._data_scale, t.double()
        sigma = (s * time / (1 - time).clamp(min=1e-12)).clamp(max=self._sigma_T)
        c = self.denoiser.coefficients(sigma)
        lowest = max(_LOWEST_SIGMA, self.denoiser.sigma_min)
        noise = self.denoiser.coefficients(sigma.clamp(min=lowest)).noise.to(x.dtype)
        own, out, inner = (
            each.to(x.dtype)[:, None, None, None]
            for each in (
                (1 - c.skip * sigma / (s * time)) / time,
                c.out / (s * time),
                c.in_ * sigma / time,
            )
        )
        waves, scale = self._waves, self._time_scale
        joined = None if interval is None else encoded(waves, interval, scale)
        raw = self.denoiser.model(inner * x, noise, labels, joined)[:, : x.shape[1]]
        velocity: Images = own * x - out * raw
        return velocity
