"""The loss by which EDM's denoiser is trained (Karras et al. 2022, Section 5, Eq. 8 and Table 1).

    E over x_0, σ, ε of  λ(σ) ‖D(x_0 + σ ε; σ) - x_0‖²,     ln σ ~ N(P_mean, P_std²),     ε ~ N(0, I)

λ(σ) = (σ² + σ_data²) / (σ σ_data)² = 1 / c_out(σ)²: an untrained network has the same loss at every σ, so no
noise level outweighs the others.
"""

from dataclasses import dataclass

from kdm.batch import Batch
from kdm.objective import Losses
from kdm.randomness.draws import draws
from kdm.shapes import Scalar
from pairgen.teachers.augmentation import augmented, mirrored
from pairgen.teachers.augmentation_options import Augmentation
from pairgen.teachers.edm_field import EdmField


@dataclass(frozen=True)
class EdmLoss:
    """The loss of `field` on a batch of data; random numbers are those of `kdm.randomness.draws`."""

    field: EdmField
    sigma_data: float
    P_mean: float  # of ln σ
    P_std: float
    augment: Augmentation | None  # which the network gets as labels
    flip: bool  # half of the pictures are mirrored, unknown to the network

    def __call__(self, batch: Batch) -> Losses:
        """The mean over samples and values, [ ], of a batch with x_0 [n, *shape] and labels [n]."""
        x_0 = mirrored(batch.x_0) if self.flip else batch.x_0
        x_0, told = augmented(x_0, self.augment) if self.augment else (x_0, None)
        drawn = draws().normal((len(x_0),), like=x_0)
        sigma = (self.P_mean + self.P_std * drawn).exp()
        column = sigma.reshape(-1, *[1] * (x_0.ndim - 1))
        x = x_0 + column * draws().normal_like(x_0)
        weight = (column**2 + self.sigma_data**2) / (column * self.sigma_data) ** 2
        error = self.field.denoised(x, sigma, batch.label, told) - x_0
        loss: Scalar = (weight * error**2).mean()
        return Losses(loss, {"edm": loss.detach()})
