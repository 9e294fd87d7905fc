"""Grids: the times at which a sampler's steps begin and end, falling from noise to data.

A grid of N steps has N + 1 times t_0 > t_1 > … > t_N; step i goes from t_(i-1) to t_i.
"""

from pairgen.late_field import Teacher


def even_times(teacher: Teacher, num_steps: int) -> list[float]:
    """t_i = T + (i / N) (t_data - T), i = 0 … N, with T rounded to a time the teacher knows."""
    begin = teacher.rounded(teacher.t_noise)
    span = teacher.t_data - begin
    return [begin + span * step / num_steps for step in range(num_steps + 1)]


def noise_levels(high: float, low: float, *, num_steps: int, rho: float) -> list[float]:
    """EDM's noise levels σ_0 = `high` … σ_(N-1) = `low`, without the 0 after them; one level is `high`.

    σ_i = (high^(1/ρ) + i / (N - 1) · (low^(1/ρ) - high^(1/ρ)))^ρ (Karras et al. 2022, Eq. 5). The larger
    ρ is, the shorter are the steps near the data; ρ = 1 is an even grid.
    """
    root, root_low = high ** (1 / rho), low ** (1 / rho)
    shares = (i / (num_steps - 1) for i in range(1, num_steps))
    # `high` itself isn't raised to 1/ρ and back: that would start the grid a rounding error off.
    return [high, *((root + share * (root_low - root)) ** rho for share in shares)]
