"""Heun's method for flow matching on EDM's noise levels (flow_matching's example, `--edm_schedule`).

On the straight path x_t = (1 - t) x_0 + t x_T the noise is σ = t / (1 - t) times as large as the
data, so EDM's σ_i (Karras et al. 2022, Eq. 5) are the times t_i = σ_i / (1 + σ_i): steps short near
both ends. As published, x_T of deviation 1 is taken to lie at the first of them, t = 80/81, and not
at 1; every step has two evaluations, also the last, to t = 0.
"""

from collections.abc import Iterator
from itertools import pairwise

from pydantic import Field

from kdm.shapes import Labels, Samples
from pairgen.samplers.edm_heun import sigmas
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.heun import heun_steps
from pairgen.teachers.late import Teacher


class EdmGridHeun(FixedSteps):
    """Heun's steps from σ_max / (1 + σ_max) down to 0, for teachers of the straight path."""

    plugin = "edm-grid-heun"
    order = 2

    num_steps: int = Field(50, ge=1)  # to 0; the published FID is that of 50
    sigma_max: float = Field(80.0, gt=0)  # where the first step begins, as a noise level
    sigma_min: float = Field(0.002, gt=0)  # where the last step begins, likewise
    rho: float = Field(7.0, gt=0)  # how much shorter steps are near the data; 1: even in σ

    @property
    def nfe(self) -> int:
        """Two evaluations a step."""
        return 2 * self.num_steps

    def steps(self, teacher: Teacher, x_T: Samples, label: Labels | None) -> Iterator[Samples]:
        """x after each step, from x_T to x_0."""
        return heun_steps(teacher, x_T, label, pairwise(self._grid(teacher)))

    def begins_at(self, teacher: Teacher) -> float:
        """The published choice, short of T = 1."""
        return self._grid(teacher)[0]

    def _grid(self, teacher: Teacher) -> list[float]:
        if teacher.t_noise != 1:
            raise ValueError(
                f"'edm-grid-heun' is for flow matching, whose noise lies at time 1; the teacher's lies "
                f"at {teacher.t_noise}: choose 'edm-heun'"
            )
        if self.sigma_min >= self.sigma_max:
            raise ValueError(
                f"sigma_min of 'edm-grid-heun' is {self.sigma_min}, sigma_max {self.sigma_max}; "
                "choose a sigma_min well below sigma_max"
            )
        levels = sigmas(self.sigma_max, self.sigma_min, num_steps=self.num_steps, rho=self.rho)
        return [*(sigma / (1 + sigma) for sigma in levels), 0.0]
