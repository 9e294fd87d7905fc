"""The field of the straight path between two Gaussians (gaussian.py derives it).

v(x, t) = -mean + (t - (1 - t) std²) / s_t² · (x - m_t),   m_t = (1 - t) mean,   s_t² = (1 - t)² std² + t²
"""

import torch
from torch import Tensor

from kdm.level import Level, straight_path
from kdm.shapes import Labels, Samples
from pairgen.field import Teacher


class GaussianField(Teacher):
    """The closed-form field, in every number type; mean and std [*shape] are its only tensors."""

    t_noise = 1.0
    noise_scale = 1.0

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def level(self, t: float) -> Level:
        """That of the straight path."""
        return straight_path(t)

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt [n, *shape] at x [n, *shape] and t ([ ] or [n]), in x's number type; labels are ignored."""
        t = t.to(x).reshape(-1, *[1] * (x.ndim - 1))
        mean, variance = self.mean.to(x), self.std.to(x) ** 2
        s_squared = (1 - t) ** 2 * variance + t**2
        return -mean + (t - (1 - t) * variance) / s_squared * (x - (1 - t) * mean)

    def solution(self, x_T: Samples) -> Samples:
        """Where the exact flow takes x_T [n, *shape]: x_0 = mean + std · x_T."""
        return self.mean.to(x_T) + self.std.to(x_T) * x_T


def spread(value: float | tuple[float, ...], shape: tuple[int, ...], name: str) -> Tensor:
    """`value` as a tensor [*shape], float64; a ValueError unless it is one number or one for each."""
    given = torch.tensor(value, dtype=torch.float64)
    num_values = torch.Size(shape).numel()
    if given.numel() not in (1, num_values):
        raise ValueError(
            f"{name} has {given.numel()} numbers, samples of shape {shape} have {num_values}; "
            "give one number, or one for each"
        )
    return given.expand(num_values).reshape(shape).clone()
