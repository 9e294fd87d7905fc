"""Grids: the times at which a sampler's steps begin and end, falling from noise to data.

A grid of N steps has N + 1 times t_0 > t_1 > … > t_N; step i goes from t_(i-1) to t_i.
"""

import math

from pairgen.late_field import Teacher


def even_times(teacher: Teacher, num_steps: int) -> list[float]:
    """t_i = T + (i / N) (t_data - T), i = 0 … N, with T rounded to a time the teacher knows."""
    begin = teacher.rounded(teacher.t_noise)
    span = teacher.t_data - begin
    return [begin + span * step / num_steps for step in range(num_steps + 1)]


def noise_levels(high: float, low: float, *, num_steps: int, rho: float) -> list[float]:
    """EDM's noise levels σ_0 = `high` … σ_(N-1) = `low`, without the 0 after them; one level is `high`.

    σ_i = (high^(1/ρ) + i / (N - 1) · (low^(1/ρ) - high^(1/ρ)))^ρ (Karras et al. 2022, Eq. 5). The larger
    ρ is, the shorter are the steps near the data; ρ = 1 is an even grid, ρ = ∞ one even in ln σ.
    """
    if math.isinf(rho):
        return [high * (low / high) ** (i / max(num_steps - 1, 1)) for i in range(num_steps)]
    root, root_low = high ** (1 / rho), low ** (1 / rho)
    shares = (i / (num_steps - 1) for i in range(1, num_steps))
    # `high` itself isn't raised to 1/ρ and back: that would start the grid a rounding error off.
    return [high, *((root + share * (root_low - root)) ** rho for share in shares)]


def levels_to_data(
    teacher: Teacher, sampler: str, num_steps: int, sigma_min: float, rho: float
) -> list[float]:
    """`noise_levels` between the teacher's T and σ_min, each rounded to one that it knows, then 0.

    σ_min is the lowest level that the teacher knows if that is higher. Raises ValueError if it isn't below
    T, or if two levels round to one that the teacher knows; `sampler` is who asks.
    """
    lowest = max(sigma_min, teacher.t_lowest)
    if lowest >= teacher.t_noise:
        raise ValueError(
            f"sigma_min of '{sampler}' is {lowest}, but the teacher's time begins at "
            f"{teacher.t_noise}; choose a sigma_min well below that"
        )
    times = noise_levels(teacher.t_noise, lowest, num_steps=num_steps, rho=rho)
    grid = [*map(teacher.rounded, times), 0.0]
    if len(set(grid)) < len(grid):
        raise ValueError(
            f"the {num_steps} steps of '{sampler}' begin at only {len(set(grid)) - 1} of the "
            "noise levels that the teacher knows; take fewer steps"
        )
    return grid
