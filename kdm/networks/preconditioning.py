"""Preconditioners: D_θ(x; σ) = c_skip x + c_out F_θ(c_in x; c_noise) (Karras et al. 2022, Table 1).

Each has the coefficients and the noise levels of one training scheme; `model` is F_θ. D_θ estimates
E[x_0 | x] for x = x_0 + σ n, and with it the teacher's ODE is dx/dσ = (x − D_θ(x; σ)) / σ (ibid., Eq. 1 and
3 with σ(t) = t). Keywords and state-dict names are those of the released checkpoints. Everything is
float32, or float64 if the weights are, except for the network's input, whose type `dtype` chooses.
"""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kdm.networks.dhariwal_unet import DhariwalUNet
from kdm.networks.image_shapes import Augmentations, Images, Maps, OneHot, Times, TimesOrTime
from kdm.networks.song_unet import SongUNet


class Coefficients(NamedTuple):
    """c_skip, c_out, c_in and c_noise of Table 1 at each σ, (m,) each."""

    skip: Times
    out: Times
    in_: Times
    noise: Times


def joined(x: Images, raw: Maps, *, skip: Times | float, out: Times | float) -> Maps:
    """skip x + out raw in channels that x (n, c, h, w) and raw (n, k, h, w) both have, (n, k, h, w).

    Further channels of raw are as they are, further ones of x left out; factors are numbers or (1,).
    """
    num = min(x.shape[1], raw.shape[1])
    if num == x.shape[1] == raw.shape[1]:
        return skip * x + out * raw
    shared = skip * x[:, :num] + out * raw[:, :num]
    return torch.cat([shared, raw[:, num:]], 1)


class Preconditioner(nn.Module, ABC):
    """A denoiser D_θ around a network F_θ, with the noise levels that it knows.

    It was trained for σ from `sigma_min` to `sigma_max`, in units of the data.
    """

    sigma_min: float
    sigma_max: float

    def __init__(self, model: SongUNet | DhariwalUNet) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        x: Images,
        sigma: TimesOrTime,
        labels: OneHot | None = None,
        augmentations: Augmentations | None = None,
        *,
        dtype: torch.dtype | None = None,
    ) -> Images:
        """D_θ (n, c, h, w) of noisy images (n, c, h, w); σ is a scalar, (1,) or (n,).

        Labels are one-hot rows (n or 1, label_dim); without labels they are a row of zeros.
        """
        x = x.to(self.dtype)
        c = self.coefficients(sigma.reshape(-1).to(self.dtype))
        scaled = (_column(c.in_) * x).to(dtype or self.dtype)
        raw = self.model(scaled, c.noise, self._labels(x, labels), augmentations)
        denoised = raw[:, : x.shape[1]].to(self.dtype)
        return torch.addcmul(_column(c.skip) * x, _column(c.out), denoised)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the coefficients and of the result: float32, or float64 if θ is."""
        return torch.promote_types(self.model.map_layer0.weight.dtype, torch.float32)

    def round_sigma(self, sigma: Tensor) -> Tensor:
        """The nearest noise level that the network knows; every one unless overridden."""
        return sigma

    @abstractmethod
    def coefficients(self, sigma: Times) -> Coefficients:
        """c_skip, c_out, c_in and c_noise (m,) at σ (m,), in σ's type; m is n, or 1 for all.

        EDM chooses them so that input and target of F_θ have unit variance at every σ; the others are
        those of earlier training schemes in the same form (Karras et al. 2022, Table 1 and Sec. 5).
        """

    def _labels(self, x: Images, labels: OneHot | None) -> OneHot | None:
        """One-hot rows, a single row of zeros for None; None for a network without classes."""
        num_classes = self.model.options.label_dim
        if not num_classes:
            return None
        return x.new_zeros(1, num_classes) if labels is None else labels.to(x.dtype)


class EDM(Preconditioner):
    """Karras et al. 2022, Eq. 7 and Sec. 5: input and target of F_θ have unit variance at every σ.

    c_skip = σ_d² / (σ² + σ_d²),  c_out = σ σ_d / √(σ² + σ_d²),  c_in = 1 / √(σ² + σ_d²),
    c_noise = ln(σ) / 4, with σ_d = `sigma_data`, the standard deviation of the data.
    """

    def __init__(
        self,
        model: SongUNet | DhariwalUNet,
        *,
        sigma_min: float = 0.0,
        sigma_max: float = math.inf,
        sigma_data: float = 0.5,
    ) -> None:
        super().__init__(model)
        self.sigma_min, self.sigma_max, self.sigma_data = sigma_min, sigma_max, sigma_data

    def coefficients(self, sigma: Times) -> Coefficients:
        """Table 1's last column."""
        return edm_coefficients(sigma, self.sigma_data)


class VP(Preconditioner):
    """Variance preserving (Song et al. 2021): σ(t)² = exp(β_d t² / 2 + β_min t) − 1.

    c_skip = 1,  c_out = −σ,  c_in = 1 / √(σ² + 1),  c_noise = (M − 1) t with σ(t) = σ: F_θ sees a state of
    unit variance and the number of a discrete step, and predicts the noise.
    """

    def __init__(
        self,
        model: SongUNet | DhariwalUNet,
        *,
        beta_d: float = 19.9,
        beta_min: float = 0.1,
        M: int = 1000,
        epsilon_t: float = 1e-5,
    ) -> None:
        super().__init__(model)
        self.beta_d, self.beta_min, self.num_levels = beta_d, beta_min, M
        self.sigma_min, self.sigma_max = self._sigma(epsilon_t), self._sigma(1.0)

    def coefficients(self, sigma: Times) -> Coefficients:
        """c_noise is M − 1 times the t with σ(t) = σ."""
        root = (self.beta_min**2 + 2 * self.beta_d * (1 + sigma**2).log()).sqrt()
        noise = (self.num_levels - 1) * ((root - self.beta_min) / self.beta_d)
        return _of_noise(sigma, noise)

    def _sigma(self, t: float) -> float:
        """σ(t) of the schedule above."""
        # In float32, as released: near t = 0 its cancellation moves sigma_min by 2 %.
        time = torch.tensor(t, dtype=torch.float32, device="cpu")
        squared = (0.5 * self.beta_d * time**2 + self.beta_min * time).exp() - 1
        return float(squared.sqrt())


class VE(Preconditioner):
    """Variance exploding (Song et al. 2021): x = x_0 + σ n goes into the network as it is.

    c_skip = 1,  c_out = σ,  c_in = 1,  c_noise = ln(σ / 2).
    """

    def __init__(
        self, model: SongUNet | DhariwalUNet, *, sigma_min: float = 0.02, sigma_max: float = 100.0
    ) -> None:
        super().__init__(model)
        self.sigma_min, self.sigma_max = sigma_min, sigma_max

    def coefficients(self, sigma: Times) -> Coefficients:
        """The network sees x as it is."""
        one = torch.ones_like(sigma)
        return Coefficients(one, sigma, one, (0.5 * sigma).log())


class IDDPM(Preconditioner):
    """Improved DDPM (Nichol & Dhariwal 2021): M levels u_j of a cosine schedule, u_M = 0.

    c_skip = 1,  c_out = −σ,  c_in = 1 / √(σ² + 1),  c_noise = M − 1 − argmin_j |u_j − σ|. The network knows
    these levels alone, so that a sampler has to round its own to them (`round_sigma`).
    """

    def __init__(
        self,
        model: SongUNet | DhariwalUNet,
        *,
        C_1: float = 0.001,
        C_2: float = 0.008,
        M: int = 1000,
    ) -> None:
        super().__init__(model)
        self.num_levels = M
        levels = _cosine_levels(C_1, C_2, M)
        self.register_buffer("u", levels)
        self.sigma_min, self.sigma_max = float(levels[M - 1]), float(levels[0])

    def coefficients(self, sigma: Times) -> Coefficients:
        """c_noise is M − 1 less the index of the nearest level."""
        noise = (self.num_levels - 1 - self._nearest(sigma)).to(sigma.dtype)
        return _of_noise(sigma, noise)

    def round_sigma(self, sigma: Tensor) -> Tensor:
        """The nearest u_j, in the number type of σ."""
        return self.get_buffer("u")[self._nearest(sigma)].to(sigma)

    def _nearest(self, sigma: Tensor) -> Tensor:
        levels = self.get_buffer("u")
        return (sigma.to(levels)[..., None] - levels).abs().argmin(-1)


def edm_coefficients(sigma: Times, sigma_data: float) -> Coefficients:
    """Table 1's last column: unit variance of input and target at every σ."""
    variance = sigma**2 + sigma_data**2
    out = sigma * sigma_data / variance.sqrt()
    return Coefficients(sigma_data**2 / variance, out, 1 / variance.sqrt(), sigma.log() / 4)


def _of_noise(sigma: Times, noise: Times) -> Coefficients:
    """F_θ predicts the noise of an input of unit variance: Table 1's columns of VP and iDDPM."""
    return Coefficients(torch.ones_like(sigma), -sigma, 1 / (sigma**2 + 1).sqrt(), noise)


def _cosine_levels(C_1: float, C_2: float, M: int) -> Tensor:
    """u_{j−1}² = (u_j² + 1) / max(ᾱ_{j−1} / ᾱ_j, C_1) − 1, ᾱ_j = sin²(π j / 2 M (C_2 + 1))."""
    # In float32, as released: near j = M its cancellation moves the lowest level by 0.05 %.
    levels = torch.zeros(M + 1, dtype=torch.float32, device="cpu")
    alpha = (0.5 * math.pi * torch.arange(M + 1, device="cpu") / M / (C_2 + 1)).sin() ** 2
    for j in range(M, 0, -1):
        ratio = (alpha[j - 1] / alpha[j]).clip(min=C_1)
        levels[j - 1] = ((levels[j] ** 2 + 1) / ratio - 1).sqrt()
    return levels


def _column(numbers: Times) -> Tensor:
    return numbers[:, None, None, None]
