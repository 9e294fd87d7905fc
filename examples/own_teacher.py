"""Makes pairs of a teacher that is a class of this file: a ring of Gaussians, by its exact field."""

import math

import torch
from torch import Tensor

import kdm


class Ring(kdm.Teacher):
    """Eight Gaussians on a circle, on the straight path x_t = (1 - t) x_0 + t x_T (flow matching).

    v(x, t) = E[x_T - x_0 | x_t = x], which a mixture of Gaussians gives in closed form.
    """

    version = 1  # raise it if `velocity` changes: the name of the pairs doesn't look at code
    t_noise, noise_scale = 1.0, 1.0

    def __init__(self, radius: float = 3.0, std: float = 0.2) -> None:
        super().__init__()
        angle = torch.arange(8) * (2 * math.pi / 8)
        means = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
        self.register_buffer("means", means)
        self.register_buffer("std", torch.tensor(std))

    def velocity(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        """dx/dt [n, 2] at x [n, 2] and t ([ ] or [n])."""
        t = t.to(x).reshape(-1, 1, 1)
        means, std = self.means.to(x), self.std.to(x)
        variance = ((1 - t) * std) ** 2 + t**2  # of x_t around its mean, for each Gaussian
        away = x[:, None] - (1 - t) * means  # [n, 8, 2]
        share = (-away.square().sum(2, keepdim=True) / (2 * variance)).softmax(1)
        each = (t - (1 - t) * std**2) / variance * away - means
        return (share * each).sum(1)


pairs = kdm.generate_pairs(
    Ring(), "ring", train=4096, shape=(2,), settings={"sampler.num_steps": 20}
)
print(pairs)
radius = pairs.read().x_0.norm(dim=1)
print(f"radius {radius.mean():.2f} ± {radius.std():.2f}")
