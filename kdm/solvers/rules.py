"""Runge-Kutta rules of fixed steps (Hairer, Nørsett & Wanner 1993, Section II.1).

Each is a `Tableau`, so its coefficients are checked against the order conditions when this is imported. Those
of order 2 have Euler's step embedded: the difference estimates the error of a step.
"""

from typing import Final

from kdm.solvers.tableau import Tableau

EULER: Final = Tableau.of(rows=[""], weights="1", order=1)  # x + h v(x, t)

# x + h v(x + h/2 v(x, t), t + h/2) (Runge 1895)
MIDPOINT: Final = Tableau.of(
    rows=["", "1/2"], weights="0 1", order=2, embedded="1 0", embedded_order=1
)

# x + h/2 (v(x, t) + v(x + h v(x, t), t + h)): the corrector of Karras et al. 2022, Algorithm 1, too
HEUN: Final = Tableau.of(
    rows=["", "1"], weights="1/2 1/2", order=2, embedded="1 0", embedded_order=1
)

# The classical one (Kutta 1901): slopes at the start, twice halfway, and at the end
RK4: Final = Tableau.of(rows=["", "1/2", "0 1/2", "0 0 1"], weights="1/6 1/3 1/3 1/6", order=4)
