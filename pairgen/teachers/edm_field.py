"""The field of EDM's probability-flow ODE (Karras et al. 2022, Eqs. 1 and 3, with σ(t) = t and s(t) = 1).

dx/dσ = -σ ∇_x log p(x; σ) = (x - D(x; σ)) / σ,     σ = t,     D(x; σ) = E[x_0 | x_0 + σ ε = x]
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.level import Level, growing_noise
from kdm.networks.image_shapes import Augmentations, OneHot, TimesOrTime
from kdm.networks.preconditioning import Preconditioner
from kdm.shapes import Labels, Samples
from pairgen.field import Teacher
from pairgen.teachers.edm_levels import LOWEST_SIGMA, SIGMA_MAX


class EdmField(Teacher):
    """dx/dσ from a denoiser of (x, σ, one-hot labels); without classes labels are ignored.

    The noise levels are those that a preconditioner knows, up to 80. x_T has the level nearest to the
    highest; for iDDPM, which knows a table of levels, that is a little above 80.
    """

    t_noise = SIGMA_MAX
    noise_scale = SIGMA_MAX

    def __init__(self, denoiser: nn.Module, *, num_classes: int = 0) -> None:
        super().__init__()
        self.denoiser = denoiser
        self._num_classes = num_classes
        if isinstance(denoiser, Preconditioner):
            self.t_noise = min(SIGMA_MAX, denoiser.sigma_max)
            self.t_lowest = denoiser.sigma_min
            self.noise_scale = self.rounded(self.t_noise)

    def level(self, t: float) -> Level:
        """x_0 + t ε: the time is the noise level."""
        return growing_noise(t)

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """(x - D(x; σ)) / σ at x [n, *shape], σ = t ([ ] or [n]) and label [n], in x's number type.

        Below the lowest level that the network knows it is the velocity at that level.
        """
        sigma = t.to(x).reshape(-1).clamp(min=max(LOWEST_SIGMA, self.t_lowest))
        denoised = self.denoised(x, sigma, label).to(x)
        return (x - denoised) / sigma.reshape(-1, *[1] * (x.ndim - 1))

    def denoised(
        self,
        x: Samples,
        sigma: TimesOrTime,
        label: Labels | None = None,
        augmentations: Augmentations | None = None,
    ) -> Samples:
        """D(x; σ) [n, *shape], float32: the mean of the data given x [n, *shape] at σ [n] or [1].

        The network computes in `dtype`. `augmentations` [n, 9] are given in training only.
        """
        if isinstance(self.denoiser, Preconditioner):
            return self.denoiser(  # type: ignore[no-any-return]
                x, sigma, self._one_hot(label), augmentations, dtype=self.dtype
            )
        with self.in_dtype(x.device):
            return self.denoiser(x, sigma, self._one_hot(label))  # type: ignore[no-any-return]

    def rounded(self, t: float) -> float:
        """The nearest noise level that the denoiser knows."""
        if not isinstance(self.denoiser, Preconditioner):
            return t
        return float(self.denoiser.round_sigma(torch.tensor(t, dtype=torch.float64)))

    def _one_hot(self, label: Labels | None) -> OneHot | None:
        if label is None or not self._num_classes:
            return None
        return F.one_hot(label, self._num_classes).to(torch.float32)
