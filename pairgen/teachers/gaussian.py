"""The straight path between two Gaussians, known in closed form: a teacher for tests.

Data are N(mean, std²) in each dimension, noise is N(0, 1), x_t = (1 - t) x_0 + t x_T with x_0 and
x_T independent. Then x_t is N(m_t, s_t²) with m_t = (1 - t) mean, s_t² = (1 - t)² std² + t², the
velocity is E[x_T - x_0 | x_t] = -mean + (t - (1 - t) std²) / s_t² · (x_t - m_t), and its flow
keeps (x_t - m_t) / s_t fixed, since s_t' / s_t is that very factor.
"""

from typing import ClassVar

import torch
from torch import Tensor

from kdm.objective import Objective
from kdm.shapes import Labels, Samples
from pairgen.teachers.teacher import Teacher, TeacherPlugin


class GaussianField(Teacher):
    """The closed-form field; no weights."""

    t_noise = 1.0
    noise_scale = 1.0

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt = -mean + (t - (1 - t) std²) / s_t² · (x - m_t)."""
        t = t.to(x).reshape(-1, *[1] * (x.ndim - 1))
        mean, variance = self.mean.to(x), self.std.to(x) ** 2
        s_squared = (1 - t) ** 2 * variance + t**2
        return -mean + (t - (1 - t) * variance) / s_squared * (x - (1 - t) * mean)

    def solution(self, x_T: Samples) -> Samples:
        """Where the exact flow carries x_T: x_0 = mean + std · x_T."""
        return self.mean.to(x_T) + self.std.to(x_T) * x_T


class GaussianTeacher(TeacherPlugin):
    """N(mean, std²) data, the same in every dimension or one number for each value of a sample."""

    plugin = "gaussian"
    is_trained: ClassVar[bool] = False

    mean: float | tuple[float, ...] = 0.5
    std: float | tuple[float, ...] = 2.0

    @property
    def noise_scale(self) -> float:
        """The field's."""
        return GaussianField.noise_scale

    def build(self, shape: tuple[int, ...]) -> GaussianField:
        """The field over samples of `shape`; a ValueError when the options do not fill it."""
        return GaussianField(_spread(self.mean, shape, "mean"), _spread(self.std, shape, "std"))

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """Always a ValueError: the field is known."""
        raise ValueError("teacher 'gaussian' is known in closed form; it is used without training")


def _spread(value: float | tuple[float, ...], shape: tuple[int, ...], name: str) -> Tensor:
    given = torch.tensor(value, dtype=torch.float64)
    num_values = torch.Size(shape).numel()
    if given.numel() not in (1, num_values):
        raise ValueError(
            f"{name} has {given.numel()} numbers, samples of shape {shape} have {num_values}; "
            "give one number, or one for each"
        )
    return given.expand(num_values).reshape(shape).clone()
