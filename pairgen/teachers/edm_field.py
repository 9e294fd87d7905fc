"""The field of EDM's probability-flow ODE and the loss that a denoiser learns by (Karras et al. 2022)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.draws import draws
from kdm.networks.image_shapes import Augmentations, OneHot, TimesOrTime
from kdm.networks.preconditioning import Preconditioner
from kdm.objective import Losses
from kdm.shapes import Labels, Samples, Scalar
from pairgen.precision import in_type
from pairgen.teachers.augmentation import augmented, mirrored
from pairgen.teachers.edm import SIGMA_MAX, EdmTeacher
from pairgen.teachers.teacher import Teacher

# The lowest level that the page's sampler asks for (Table 1). Networks see ln σ, which has no value
# at 0: below this level the field is that at it.
LOWEST_SIGMA = 0.002


class EdmField(Teacher):
    """dx/dσ from a denoiser of (x, σ, one-hot labels); without classes it looks at no label.

    The noise levels are those that a preconditioner knows, up to 80; x_T has the level nearest to the
    highest, which is a little above 80 for iDDPM.
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

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """(x - D(x; σ)) / σ at σ = t (0-d or [n]), in x's type."""
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
        """D(x; σ), float32: the mean of the data given x; the network works in `dtype`."""
        if isinstance(self.denoiser, Preconditioner):
            return self.denoiser(  # type: ignore[no-any-return]
                x, sigma, self._one_hot(label), augmentations, dtype=self.dtype
            )
        with in_type(self.dtype, x.device):
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


def edm_losses(options: EdmTeacher, field: EdmField, batch: Batch) -> Losses:
    """λ(σ) ‖D(x_0 + σ ε; σ) - x_0‖² per value, ln σ ~ N(P_mean, P_std²) (Eq. 8, Table 1).

    λ(σ) = (σ² + σ_data²) / (σ σ_data)² = 1 / c_out²: an untrained network has the same loss at every
    σ. Random numbers are those of `kdm.draws`, which the trainer chooses.
    """
    x_0 = mirrored(batch.x_0) if options.flip else batch.x_0
    x_0, told = augmented(x_0, options.augment) if options.augment else (x_0, None)
    drawn = draws().normal((len(x_0),), like=x_0)
    sigma = (options.P_mean + options.P_std * drawn).exp()
    column = sigma.reshape(-1, *[1] * (x_0.ndim - 1))
    x = x_0 + column * draws().normal_like(x_0)
    weight = (column**2 + options.sigma_data**2) / (column * options.sigma_data) ** 2
    error = field.denoised(x, sigma, batch.label, told) - x_0
    loss: Scalar = (weight * error**2).mean()
    return Losses(loss, {"edm": loss.detach()})
