"""EDM's deterministic sampler (Karras et al. 2022, Algorithm 1): Heun's method on a grid of its own.

t_i = (T^(1/ρ) + i / (N - 1) · (σ_min^(1/ρ) - T^(1/ρ)))^ρ for i < N, then t_N = 0 (Eq. 5): short steps
near the data. Made for fields whose time is the noise level, where T is the noise scale. The last
step, from σ_min to 0, is Euler's, since such fields are not known at 0: its error, of order σ_min²,
does not fall with N.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from pydantic import Field
from torch import Tensor

from kdm.shapes import Labels, Samples
from pairgen.samplers.sampler import Sampler, velocity
from pairgen.teachers.teacher import Teacher


class EdmHeun(Sampler):
    """Heun's steps from T down to σ_min, and one of Euler's to 0; the state is float64."""

    plugin = "edm-heun"
    order = 2

    num_steps: int = Field(18, ge=1)  # from T to 0; the page has 18 for 32 pixels, 40 for 64
    sigma_min: float = Field(0.002, gt=0)  # where the last step begins, in the teacher's time
    rho: float = Field(7.0, gt=0)  # how much shorter steps are near the data; 1: even

    @property
    def nfe(self) -> int:
        """Two evaluations a step, one in the last."""
        return 2 * self.num_steps - 1

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x after each step, from x_T to x_0, rounded to x_T's type; so is what the field sees."""

        def slope(x: Samples, t: float) -> Tensor:
            return velocity(teacher, x.to(x_T), t, label).to(torch.float64)

        x = x_T.to(torch.float64)
        for t, t_next in pairwise(self._grid(teacher.t_noise)):
            d = slope(x, t)
            x_ahead = x + (t_next - t) * d
            if t_next > 0:
                x_ahead = x + (t_next - t) / 2 * (d + slope(x_ahead, t_next))
            x = x_ahead
            yield x.to(x_T)

    def _grid(self, t_noise: float) -> list[float]:
        if self.sigma_min >= t_noise:
            raise ValueError(
                f"sigma_min of 'edm-heun' is {self.sigma_min}, but the teacher's time begins at "
                f"{t_noise}; choose a sigma_min well below that"
            )
        high, low = t_noise ** (1 / self.rho), self.sigma_min ** (1 / self.rho)
        shares = (i / (self.num_steps - 1) for i in range(1, self.num_steps))
        # T itself is not raised to 1/ρ and back, which would begin a rounding away from it.
        return [t_noise, *((high + share * (low - high)) ** self.rho for share in shares), 0.0]
