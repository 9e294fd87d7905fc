"""Weights of Adams' multistep rules on uneven steps, plain and exponential.

A rule of k values replaces a function f by the polynomial of degree k - 1 through its values f_j at
the times u_j and integrates that exactly from u to u + h, with weight e^(r (τ - h)) at u + τ:

    ∫_0^h e^(r (τ - h)) f(u + τ) dτ  ≈  Σ_j w_j f_j,     w_j = ∫_0^h e^(r (τ - h)) ℓ_j(τ) dτ

with Lagrange's ℓ_j: 1 at u_j, 0 at the others. For r = 0 these are the rules of Adams (Hairer, Nørsett &
Wanner 1993, Section III.1, and III.5 for uneven steps): Bashforth's if u + h is none of the u_j,
Moulton's if it is one. For r = 1 they are exponential ones, for x' = -x + f(u), whose linear part is solved
without error (Zhang & Chen 2022, Section 3; Lu et al. 2022, Eq. 9; Zhao et al. 2023, Eq. 3).

The powers are integrated by ∫_0^h e^(τ - h) τ^k dτ = k! h^(k + 1) φ_(k + 1)(-h), where
φ_k(z) = Σ_i z^i / (i + k)! (Hochbruck & Ostermann 2010, Eq. 2.11).
"""

import math
from collections.abc import Sequence

_SERIES_BELOW = 1.0  # of h: from there on the recurrence upwards loses no digits
_NUM_TERMS = 20  # 1 / 20! is below float64's rounding


def plain_weights(nodes: Sequence[float], h: float) -> list[float]:
    """w_j of r = 0 for values at `nodes` (u_j - u, distinct), over a step of length h of either sign."""
    return _weights(nodes, [h ** (k + 1) / (k + 1) for k in range(len(nodes))])


def exponential_weights(nodes: Sequence[float], h: float) -> list[float]:
    """w_j of r = 1 for values at `nodes` (u_j - u, distinct), over a step of length h > 0."""
    phi = phi_functions(-h, len(nodes))
    return _weights(
        nodes, [math.factorial(k) * h ** (k + 1) * phi[k + 1] for k in range(len(nodes))]
    )


def phi_functions(z: float, highest: int) -> list[float]:
    """φ_0(z) = e^z, …, φ_highest(z), for z <= 0, each to a few units of its last digit.

    φ_k = z φ_(k + 1) + 1 / k!, taken downwards from a series while z is small and upwards if it isn't.
    """
    inverse = [1 / math.factorial(k) for k in range(highest + _NUM_TERMS)]
    phi = [0.0] * (highest + 1)
    if -z < _SERIES_BELOW:
        phi[highest] = math.fsum(z**i * inverse[i + highest] for i in range(_NUM_TERMS))
        for k in range(highest - 1, -1, -1):
            phi[k] = z * phi[k + 1] + inverse[k]
        return phi
    phi[0] = math.exp(z)
    for k in range(highest):
        phi[k + 1] = (phi[k] - inverse[k]) / z
    return phi


def _weights(nodes: Sequence[float], moments: Sequence[float]) -> list[float]:
    """∫ ℓ_j of each node, from the integrals of 1, τ, τ², …"""
    found = []
    for j, node in enumerate(nodes):
        basis = [1.0]  # coefficients of ℓ_j, of rising power
        for other in (each for i, each in enumerate(nodes) if i != j):
            basis = _times_root(basis, other, 1 / (node - other))
        found.append(math.fsum(a * m for a, m in zip(basis, moments, strict=True)))
    return found


def _times_root(basis: list[float], root: float, factor: float) -> list[float]:
    """The polynomial times (τ - root) · factor."""
    shifted, kept = [0.0, *basis], [*basis, 0.0]
    return [factor * (up - root * stay) for up, stay in zip(shifted, kept, strict=True)]
