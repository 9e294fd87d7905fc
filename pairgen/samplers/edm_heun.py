"""EDM's deterministic sampler (Karras et al. 2022, Algorithm 1): Heun's method on a grid of its own.

t_i = (T^(1/ρ) + i / (N - 1) · (σ_min^(1/ρ) - T^(1/ρ)))^ρ for i < N, then t_N = 0 (Eq. 5): short steps
near the data. Made for fields whose time is the noise level, where T is the noise scale. The last
step, from σ_min to 0, is Euler's, since such fields are not known at 0: its error, of order σ_min²,
does not fall with N. Where a field knows only some levels, each t_i is the nearest that it knows, and
σ_min its lowest if that is higher.
"""

from collections.abc import Iterator
from itertools import pairwise

from pydantic import Field

from kdm.shapes import Labels, Samples
from kdm.torch_types import Tensor
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.sampler import velocity
from pairgen.teachers.late import Teacher


class EdmHeun(FixedSteps):
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
            return velocity(teacher, x.to(x_T), t, label).double()

        x = x_T.double()
        for t, t_next in pairwise(self._grid(teacher)):
            d = slope(x, t)
            x_ahead = x + (t_next - t) * d
            if t_next > 0:
                x_ahead = x + (t_next - t) / 2 * (d + slope(x_ahead, t_next))
            x = x_ahead
            yield x.to(x_T)

    def _grid(self, teacher: Teacher) -> list[float]:
        sigma_min = max(self.sigma_min, teacher.t_lowest)
        if sigma_min >= teacher.t_noise:
            raise ValueError(
                f"sigma_min of 'edm-heun' is {sigma_min}, but the teacher's time begins at "
                f"{teacher.t_noise}; choose a sigma_min well below that"
            )
        times = sigmas(teacher.t_noise, sigma_min, num_steps=self.num_steps, rho=self.rho)
        grid = [*map(teacher.rounded, times), 0.0]
        if len(set(grid)) < len(grid):
            raise ValueError(
                f"the {self.num_steps} steps of 'edm-heun' begin at only {len(set(grid)) - 1} of the "
                "noise levels that the teacher knows; take fewer steps"
            )
        return grid


def sigmas(high: float, low: float, *, num_steps: int, rho: float) -> list[float]:
    """Eq. 5's levels, without the 0 at its end; a single one is `high`."""
    root, root_low = high ** (1 / rho), low ** (1 / rho)
    shares = (i / (num_steps - 1) for i in range(1, num_steps))
    # `high` itself is not raised to 1/ρ and back, which would begin a rounding away from it.
    return [high, *((root + share * (root_low - root)) ** rho for share in shares)]
