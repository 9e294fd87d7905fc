"""A denoiser of flat samples: EDM's preconditioning around an MLP (Karras et al. 2022, Sec. 5).

It is the teacher of the checkerboard, for which a U-Net makes no sense.
"""

import torch
from torch import nn

from kdm.networks.image_shapes import OneHot, TimesOrTime
from kdm.networks.mlp import MLP
from kdm.networks.preconditioning import edm_coefficients
from kdm.shapes import Points


class PointDenoiser(nn.Module):
    """D_θ(x; σ) = c_skip x + c_out F_θ([c_in x, c_noise, labels]), all in float32.

    F_θ has an input for each value, one for c_noise and `num_classes` for a one-hot label. Coefficients
    are those of EDM (Table 1) with the data's standard deviation `sigma_data`.
    """

    def __init__(self, network: MLP, *, sigma_data: float, num_classes: int) -> None:
        super().__init__()
        self.network = network
        self._sigma_data, self._num_classes = sigma_data, num_classes

    def forward(self, x: Points, sigma: TimesOrTime, labels: OneHot | None = None) -> Points:
        """D_θ (n, c) of noisy points (n, c); σ is a scalar, (1,) or (n,).

        Labels are one-hot rows (n or 1, num_classes); without labels they are rows of zeros.
        """
        x = x.to(torch.float32)
        c = edm_coefficients(sigma.reshape(-1).to(x), self._sigma_data)
        seen = [c.in_[:, None] * x, c.noise[:, None].expand(x.shape[0], 1)]
        if self._num_classes:
            seen.append(
                x.new_zeros(x.shape[0], self._num_classes) if labels is None else labels.to(x)
            )
        raw = self.network(torch.cat(seen, dim=1))
        return torch.addcmul(c.skip[:, None] * x, c.out[:, None], raw)
