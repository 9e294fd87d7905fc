"""How much of a sample and how much noise a point of a teacher's trajectory holds.

    x_t = α x_0 + σ ε,   ε ~ N(0, I)

in distribution: EDM has α = 1 and σ = t (Karras et al. 2022), flow matching α = 1 − t and σ = t (Lipman
et al. 2023). Data are α = 1, σ = 0.
"""

from typing import NamedTuple


class Level(NamedTuple):
    """α and σ of one time; σ in the units of the data."""

    alpha: float  # α, of the data in x
    sigma: float  # σ, of the noise in x


DATA = Level(1.0, 0.0)


def straight_path(t: float) -> Level:
    """x_t = (1 − t) x_0 + t x_T, from data at t = 0 to noise of deviation 1 at t = 1."""
    return Level(1 - t, t)


def growing_noise(t: float) -> Level:
    """x_t = x_0 + t ε: the time is the noise's standard deviation."""
    return Level(1.0, t)
