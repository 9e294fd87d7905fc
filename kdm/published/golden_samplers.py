"""The solvers with which a numeric golden proves a network, plain and in the golden's number types.

    EDM:            dx/dσ = (x − D_θ(x; σ)) / σ     from σ = 80 to 0, state in float64
    flow matching:  dx/dt = v_θ(x, t)               from t = 0 (noise) to 1 (data), state in float32

EDM's is Karras et al. 2022, Algorithm 1 without churn; flow matching's any Runge-Kutta rule in fixed steps,
with times in float64. pairgen/samplers has the ones that make pairs; these prove a network without them.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from kdm.networks.preconditioning import Preconditioner
from kdm.shapes import Samples
from kdm.solvers.rules import EULER, HEUN
from kdm.solvers.tableau import Tableau

Velocity = Callable[[Samples, Tensor], Samples]  # of (x, t), t a float64 scalar


class Trajectory(NamedTuple):
    """Where a solver ended, and its calls of the network on the way."""

    end: Samples  # (n, ...), float64
    sigmas: Tensor  # (evaluations,), σ of each
    inputs: Tensor  # (evaluations, 2, ...), the first two samples that each saw


def edm_sigmas(net: Preconditioner, num_steps: int) -> Tensor:
    """σ_i = (σ_max^{1/ρ} + i/(S−1) (σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ, i < S, then 0: (S + 1,), float64.

    Karras et al. 2022, Eq. 5, with ρ = 7, σ_max = 80 and σ_min = 0.002, or the range that the network
    knows if that is narrower. S is `num_steps`.
    """
    low, high = max(0.002, net.sigma_min) ** (1 / 7), min(80.0, net.sigma_max) ** (1 / 7)
    share = torch.arange(num_steps, dtype=torch.float64) / (num_steps - 1)
    sigmas = net.round_sigma((high + share * (low - high)) ** 7)
    return torch.cat([sigmas, torch.zeros(1, dtype=torch.float64)])


def edm_solve(
    net: Preconditioner,
    noise: Samples,
    labels: Tensor | None,
    *,
    num_steps: int,
    is_heun: bool = True,
) -> Trajectory:
    """Heun's method (Euler's without `is_heun`) along `edm_sigmas` from unit noise (n, ...).

    The last step, to σ = 0, is always Euler's: there the slope isn't defined (ibid., Algorithm 1).
    """
    calls: list[tuple[Tensor, Tensor]] = []

    def slope(x: Samples, sigma: float) -> Samples:
        level = _time(sigma)
        calls.append((level, x[:2].to(torch.float32)))
        denoised: Tensor = net(x.to(torch.float32), level, labels)
        return (x - denoised.to(torch.float64)) / level

    sigmas = edm_sigmas(net, num_steps).tolist()
    x = noise.to(torch.float64) * sigmas[0]
    for here, there in pairwise(sigmas):
        rule = HEUN if is_heun and there > 0 else EULER
        x = rule.step(slope, x, here, there)
    levels, inputs = zip(*calls, strict=True)
    return Trajectory(x, torch.stack(levels), torch.stack(inputs))


def flow_solve(velocity: Velocity, noise: Samples, times: Tensor, rule: Tableau) -> Samples:
    """x (n, ...) after one step of the rule between each two neighbours of `times` (steps + 1,)."""

    def slope(x: Samples, t: float) -> Samples:
        return velocity(x, _time(t))

    x = noise
    for here, there in pairwise(times.tolist()):
        x = rule.step(slope, x, here, there)
    return x


def _time(t: float) -> Tensor:
    return torch.tensor(t, dtype=torch.float64)
