"""Heun's method for flow matching on EDM's noise levels (flow_matching's example, `--edm_schedule`).

On the straight path x_t = (1 - t) x_0 + t x_T the noise is σ = t / (1 - t) times as large as the
data, so EDM's σ_i (Karras et al. 2022, Eq. 5) are the times t_i = σ_i / (1 + σ_i): steps short near
both ends. As published, x_T of deviation 1 is taken to be at the first of them, t = 80/81, and not
at 1; every step has two velocities, the last one, to t = 0, too.
"""

from pydantic import Field

from kdm.solvers.rules import HEUN
from pairgen.late_field import Teacher
from pairgen.samplers.grids import noise_levels
from pairgen.samplers.rule_on_grid import RuleOnGrid


class EdmGridHeun(RuleOnGrid):
    """Heun's steps from σ_max / (1 + σ_max) down to 0, for teachers of the straight path."""

    plugin = "edm-grid-heun"
    rule = HEUN
    order = HEUN.order
    meant_for = "flow matching"

    num_steps: int = Field(50, ge=1)  # to 0; the published FID is that of 50
    sigma_max: float = Field(80.0, gt=0)  # where the first step begins, as a noise level
    sigma_min: float = Field(0.002, gt=0)  # where the last step begins, as a noise level
    rho: float = Field(7.0, gt=0)  # the larger, the shorter the steps near the data; 1: even in σ

    def begins_at(self, teacher: Teacher) -> float:
        """σ_max / (1 + σ_max), short of T = 1: the published choice."""
        return self.times(teacher)[0]

    def times(self, teacher: Teacher) -> list[float]:
        """t_i = σ_i / (1 + σ_i) of Eq. 5's levels, then 0.

        Raises ValueError if the teacher's noise isn't at time 1, or σ_min isn't below σ_max.
        """
        if teacher.t_noise != 1:
            raise ValueError(
                f"'edm-grid-heun' is for flow matching, whose noise is at time 1; the teacher's is "
                f"at {teacher.t_noise}: choose 'edm-heun'"
            )
        if self.sigma_min >= self.sigma_max:
            raise ValueError(
                f"sigma_min of 'edm-grid-heun' is {self.sigma_min}, sigma_max {self.sigma_max}; "
                "choose a sigma_min well below sigma_max"
            )
        levels = noise_levels(
            self.sigma_max, self.sigma_min, num_steps=self.num_steps, rho=self.rho
        )
        return [*(sigma / (1 + sigma) for sigma in levels), 0.0]
