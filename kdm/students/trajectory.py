"""The times of a stored trajectory, numbered from 0 (x_T) to K + 1 (x_0), and what x is at each of them.

    x_i = (σ_i / σ_0) x_T + γ_i m_i,   γ_i = α_i − α_0 σ_i / σ_0,   t_i = 1 − i / (K + 1)

(koopman_timed.py says why.) At i = 0 γ is 0 and m is anything; at the end m is x_0.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kdm.level import DATA, Level
from kdm.networks.image_shapes import Times
from kdm.shapes import Numbers, Samples


class Trajectory(nn.Module):
    """Constants by number of a time, (K + 2,) each; they move with the student and aren't saved.

    Samples are (n, ...) in the pairs' units, m is over `data_scale`, numbers are (n,) or (1,).
    """

    time: Tensor
    sigma: Tensor
    _kept_noise: Tensor
    _gain: Tensor
    _deviation: Tensor

    def __init__(self, levels: Sequence[Level], *, data_scale: float) -> None:
        super().__init__()
        self.last = len(levels)  # K + 1, the number of x_0
        self.data_scale = data_scale
        self._angles = [math.atan2(each.sigma, each.alpha * data_scale) for each in levels]
        every = torch.tensor([*levels, DATA], dtype=torch.float64, device="cpu")
        alpha, sigma = every[:, 0], every[:, 1]
        kept = sigma / sigma[0]
        constants = {
            "time": 1 - torch.arange(self.last + 1, device="cpu") / self.last,
            "sigma": sigma,
            "_kept_noise": kept,
            "_gain": (alpha - alpha[0] * kept) * data_scale,
            "_deviation": (alpha**2 * data_scale**2 + sigma**2).sqrt(),
        }
        for name, values in constants.items():
            self.register_buffer(name, values.to(torch.float32), persistent=False)

    def number(self, time: Times) -> Numbers:
        """The numbers of times, each the nearest one's."""
        return ((1 - time) * self.last).round().long()

    def unscaled(self, x: Samples, number: Numbers) -> Samples:
        """x of `scaled` again."""
        return x * _column(self._deviation[number], x)

    def scaled(self, x: Samples, number: Numbers) -> Samples:
        """x over the standard deviation that it has at its time."""
        return x / _column(self._deviation[number], x)

    def state(self, m: Samples, x_T: Samples, number: Numbers) -> Samples:
        """x_i of m_i and x_T."""
        return _column(self._kept_noise[number], x_T) * x_T + _column(self._gain[number], m) * m

    def beyond_noise(self, x: Samples, x_T: Samples, number: Numbers) -> Samples:
        """m_i of x_i and x_T; not for number 0."""
        return (x - _column(self._kept_noise[number], x_T) * x_T) / _column(self._gain[number], x)

    def stops(self, num_steps: int) -> tuple[int, ...]:
        """The numbers from 0 to K + 1 of a way in so many steps; a ValueError for too many."""
        if not 1 <= num_steps <= self.last:
            raise ValueError(
                f"num_steps is {num_steps}, but with {self.last - 1} stored states a sample takes 1 to "
                f"{self.last} steps; choose one of these"
            )
        return tuple(step * self.last // num_steps for step in range(num_steps + 1))

    def turning_stops(self, num_steps: int) -> tuple[int, ...]:
        """As `stops`, but evenly over the angle arctan(σ / (α σ_data)), which is where samples take shape.

        With σ_data as `data_scale`: from a level of noise alone, π/2, to data, 0.
        """
        self.stops(num_steps)  # a ValueError for too many
        found = [0]
        for step in range(1, num_steps):
            wanted = self._angles[0] * (1 - step / num_steps)
            away = [abs(angle - wanted) for angle in self._angles]
            free = range(found[-1] + 1, self.last - (num_steps - step) + 1)
            found.append(min(free, key=away.__getitem__))
        return (*found, self.last)


def _column(values: Times, x: Samples) -> Tensor:
    return values.reshape(-1, *[1] * (x.ndim - 1))
