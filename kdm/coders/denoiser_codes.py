"""A teacher's denoiser D_θ at one noise level as a coder, with other channels at one end.

    U(x) = c_skip x ⊕ c_out F_θ(c_in x; c_noise, y)     with the numbers of one σ (Karras et al. 2022, Eq. 7)

    E_φ: x (n, C, H, H) → U(x) (n, latent_channels, H, H) → z (n, d)          D_ψ: z → x

⊕ is the sum in channels that both have; further channels of F_θ are added as they are, without c_out, and
further ones of x left out. So the first C channels of z are a denoised picture, and the others are new.
"""

from torch import nn

from kdm.networks.image_shapes import Images, Maps, OneHot
from kdm.networks.preconditioning import Preconditioner, joined
from kdm.shapes import Latents, Samples


class DenoiserCode(nn.Module):
    """U at the noise level `sigma`, in units of the data; x and U(x) are in units of `data_scale`."""

    def __init__(self, denoiser: Preconditioner, *, sigma: float, data_scale: float) -> None:
        super().__init__()
        self.denoiser, self.sigma, self.data_scale = denoiser, sigma, data_scale

    @property
    def in_shape(self) -> tuple[int, int, int]:
        """Of a picture that goes in, (channels, H, H)."""
        return self.denoiser.model.options.in_shape

    @property
    def num_classes(self) -> int:
        """How many classes it distinguishes; 0: it sees no label."""
        return self.denoiser.model.options.label_dim

    def pictures(self, x: Images, labels: OneHot | None) -> Maps:
        """x (n, c, h, w) and one-hot labels to (n, F_θ's channels, h, w)."""
        x = self.data_scale * x.to(self.denoiser.dtype)
        c = self.denoiser.coefficients(x.new_full((1,), self.sigma))
        raw = self.denoiser.model(c.in_ * x, c.noise, labels, None).to(x.dtype)
        return joined(x, raw, skip=c.skip, out=c.out) / self.data_scale


class DenoiserEncoder(DenoiserCode):
    """E_φ: its latents are as wide as F_θ's output."""

    def forward(self, x: Samples, labels: OneHot | None = None) -> Latents:
        """x (n, C, H, H) to z (n, d)."""
        return self.pictures(x, labels).flatten(1)


class DenoiserDecoder(DenoiserCode):
    """D_ψ: latents are pictures as wide as F_θ's input."""

    def forward(self, z: Latents, labels: OneHot | None = None) -> Images:
        """z (n, d) to x (n, C, H, H)."""
        return self.pictures(z.reshape(z.shape[0], *self.in_shape), labels)
